/// One client's prompts as the fit sees them.
package struct PoolEvidence: Hashable, Sendable {
    /// ω_t: [count, width].
    package var rows: [Float]
    let count: Int
    /// λ_t > 0, about 1 for a typical client: the power to which the client's likelihood is raised.
    let weight: Double
    /// z_t: the pool row that each row is matched with, −1 for none yet.
    package var matches: [Int]

    /// Evidence of less weight moves nothing: float32 cannot hold what it would move.
    static let leastWeight = 1e-12

    /// Values beyond this are brought back to it, so that squares stay far within float32.
    static let largest: Float = 1e6

    package init(rows: [Float], count: Int, weight: Double, matches: [Int]) {
        self.rows = rows.map { Swift.max(-Self.largest, Swift.min(Self.largest, $0)) }
        self.count = count
        self.weight = weight
        self.matches = matches
    }
}
