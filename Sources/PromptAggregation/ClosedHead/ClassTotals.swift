/// The number of images of each class, and their mean, over all clients.
struct ClassTotals {
    let width: Int
    /// N_c: [classes].
    private(set) var counts: [Double]
    /// μ_c: [classes, width], 0 for a class without images.
    private(set) var means: [Double]

    init(_ reports: [ClassMeans], classes: Int, width: Int) {
        self.width = width
        counts = [Double](repeating: 0, count: classes)
        means = [Double](repeating: 0, count: classes * width)
        for report in reports {
            for (place, label) in report.classes.enumerated() {
                let count = Double(report.counts[place])
                counts[label] += count
                for column in 0..<width {
                    means[label * width + column] += count * Double(report.means[place * width + column])
                }
            }
        }
        for place in means.indices where counts[place / width] > 0 { means[place] /= counts[place / width] }
    }
}
