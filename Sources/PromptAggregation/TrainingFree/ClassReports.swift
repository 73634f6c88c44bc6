/// The last report of every client, and the sum of each class, which changes by the reports that are new and is not made of
/// all of them again.
///
/// Each change of a sum rounds by at most 2⁻⁵³ of the largest value that it had meanwhile; `ClassSum.hasLostDigits` says
/// where this may count. After as many changes as there are clients all sums are made again, in the clients' order. So
/// their error is that of sums of three times as many reports, and a report costs what three additions cost, however many
/// clients there are. The sums take 4 · width · (width + 1) bytes for each class. Where that is too much, they are made of
/// all reports each time, one after the other.
///
/// The sums' bits depend on the order of the changes. They are far larger than what they are made of, so a snapshot has
/// the reports of which all sums were last made and the changes since: reading takes the same steps again.
package struct ClassReports: Sendable {
    /// In bytes: 1,000 classes at width 512, or 450 at width 768.
    package static let most = 1 << 30

    private let width: Int
    private let classes: Int
    /// Of each class, nil without images: [classes]. None where they would take too much memory.
    private var kept: [ClassSum?]
    private var latest = ClientTable<ClassMeans>()
    /// Those of which all sums were last made, and what each flush changed since.
    private var base = ClientTable<ClassMeans>()
    private var changes: [ClientTable<ClassMeans>] = []

    /// - Parameter most: how many bytes the sums may take to be kept.
    package init(classes: Int, width: Int, keepingAtMost most: Int = Self.most) {
        (self.classes, self.width) = (classes, width)
        let isKept = classes * 4 * width * (width + 1) <= most
        kept = [ClassSum?](repeating: nil, count: isKept ? classes : 0)
    }

    /// Of each class, nil without images: [classes].
    package var sums: some Sequence<ClassSum?> {
        (0..<classes).lazy.map { kept.isEmpty ? sum(of: $0) : kept[$0] }
    }

    /// Takes what a flush brings; what a client reported before already changes nothing.
    ///
    /// - Returns: whether anything changed.
    package mutating func take(_ reports: ClientTable<ClassMeans>) -> Bool {
        var news = ClientTable<ClassMeans>()
        for row in reports where latest[row.client] != row.value { news[row.client] = row.value }
        guard !news.isEmpty else { return false }
        let known = latest.count + news.count { latest[$0.client] == nil }
        if kept.isEmpty || changes.reduce(news.count, { $0 + $1.count }) >= known {
            for row in news { latest[row.client] = row.value }
            sumAll()
        } else {
            change(by: news)
        }
        return true
    }

    private mutating func sumAll() {
        (base, changes) = (latest, [])
        for label in kept.indices { kept[label] = sum(of: label) }
    }

    private func sum(of label: Int) -> ClassSum? {
        ClassSum(latest.compactMap { $0.value.of(label, width: width) }, width: width)
    }

    private mutating func change(by news: ClientTable<ClassMeans>) {
        let pairs = news.map { (old: latest[$0.client], new: $0.value) }
        for row in news { latest[row.client] = row.value }
        changes.append(news)
        // Class after class, so that the processor keeps a class's sum at hand.
        for label in kept.indices {
            for (old, new) in pairs {
                change(label, from: old?.of(label, width: width), to: new.of(label, width: width))
            }
            if kept[label]?.hasLostDigits == true { kept[label] = sum(of: label) }
        }
    }

    private mutating func change(_ label: Int, from old: ClassMeans.OfClass?, to new: ClassMeans.OfClass?) {
        guard old != new else { return }
        if let old { kept[label]?.remove(old) }
        if kept[label]?.holders == 0 { kept[label] = nil }
        guard let new else { return }
        if kept[label] == nil { kept[label] = ClassSum([new], width: width) } else { kept[label]?.add(new) }
    }

    func write(to writer: inout SnapshotWriter) {
        base.write(to: &writer) { $1.write(to: &$0) }
        writer.write(changes) { writer, table in table.write(to: &writer) { $1.write(to: &$0) } }
    }

    init(from reader: inout SnapshotReader, classes: Int, width: Int) throws(SnapshotError) {
        self.init(classes: classes, width: width)
        func table(_ reader: inout SnapshotReader) throws(SnapshotError) -> ClientTable<ClassMeans> {
            try ClientTable(from: &reader) { reader throws(SnapshotError) in
                try ClassMeans(from: &reader, classes: classes, width: width)
            }
        }
        latest = try table(&reader)
        sumAll()
        for news in try reader.list(table) { change(by: news) }
    }
}
