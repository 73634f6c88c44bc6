import Charts
import FederationRun
import Foundation
import Text

/// How many images of each class each client holds, as one self-contained SVG: a row a client, a column a class, a disc
/// whose area is the number of images, and each client's sum as a bar.
public enum PartitionPicture {
    private static let style = """
        <style>
        text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #66707d; }
        .heading { font-size: 17px; font-weight: 600; fill: #1c2430; }
        .end { text-anchor: end; } .middle { text-anchor: middle; }
        .paper { fill: #ffffff; } .grid { stroke: #e3e7ec; }
        .disc { fill: #0b6bcb; fill-opacity: 0.85; } .bar { fill: #8fa1b5; }
        @media (prefers-color-scheme: dark) {
          text { fill: #9aa5b3; } .heading { fill: #e6eaf0; }
          .paper { fill: #12161c; } .grid { stroke: #2c3440; }
          .disc { fill: #5aa9f5; } .bar { fill: #4d5b6b; }
        }
        </style>
        """
    private static let barWidth = 140.0
    private static let left = 86.0
    /// Below them the names of single rows and columns cannot be read.
    private static let leastLabelled = 11.0

    public static func svg(_ allotment: Allotment, heading: String) -> String {
        let classes = allotment.classNames.count
        let cell = min(26, max(5, 720 / Double(max(classes, allotment.clients.count))))
        let labelHeight = cell >= leastLabelled ? 118.0 : 30
        let top = 60.0
        let width = left + Double(classes) * cell + 20 + barWidth + 60
        let height = top + Double(allotment.clients.count) * cell + labelHeight
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Markup.n(width)) \(Markup.n(height))\" width=\"\(Markup.n(width))\" height=\"\(Markup.n(height))\" role=\"img\">",
            "<title>\(Markup.escape(heading))</title>", style, "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>",
            Markup.text(heading, x: 20, y: 30, style: "heading"),
        ]
        let largest = max(1, allotment.clients.flatMap(\.counts).max() ?? 1)
        let most = max(1, allotment.clients.map(\.images).max() ?? 1)
        let bars = left + Double(classes) * cell + 20
        parts.append(Markup.text("largest disc \(largest), longest bar \(most) samples", x: 20, y: 48, style: ""))
        for (row, client) in allotment.clients.enumerated() {
            let y = top + (Double(row) + 0.5) * cell
            if cell >= leastLabelled || row % 10 == 0 {
                parts.append(Markup.text(client.name, x: left - 8, y: y + 4, style: "end"))
            }
            parts.append(
                "<line class=\"grid\" x1=\"\(Markup.n(left))\" x2=\"\(Markup.n(left + Double(classes) * cell))\" y1=\"\(Markup.n(y))\" y2=\"\(Markup.n(y))\"/>"
            )
            for (label, count) in client.counts.enumerated() where count > 0 {
                let radius = max(0.6, 0.5 * cell * (Double(count) / Double(largest)).squareRoot())
                parts.append(
                    "<circle class=\"disc\" cx=\"\(Markup.n(left + (Double(label) + 0.5) * cell))\" cy=\"\(Markup.n(y))\" r=\"\(Markup.n(radius))\"><title>\(client.name), \(Markup.escape(allotment.classNames[label])): \(count)</title></circle>"
                )
            }
            let length = barWidth * Double(client.images) / Double(most)
            parts.append(
                "<rect class=\"bar\" x=\"\(Markup.n(bars))\" y=\"\(Markup.n(y - cell * 0.35))\" width=\"\(Markup.n(length))\" height=\"\(Markup.n(cell * 0.7))\"/>"
            )
            if cell >= leastLabelled {
                parts.append(Markup.text("\(client.images)", x: bars + length + 6, y: y + 4, style: ""))
            }
        }
        parts += classLabels(allotment.classNames, cell: cell, y: top + Double(allotment.clients.count) * cell)
        return (parts + ["</svg>\n"]).joined(separator: "\n")
    }

    private static func classLabels(_ names: [String], cell: Double, y: Double) -> [String] {
        guard cell >= leastLabelled else {
            return [Markup.text("\(names.count) classes", x: left, y: y + 20, style: "")]
        }
        // Of a union, whose classes are named `source: class`, the source stands once below its classes.
        let parts = names.map { $0.split(separator: ": ", maxSplits: 1).map(String.init) }
        var groups: [(source: String, first: Int, count: Int)] = []
        for (label, part) in parts.enumerated() where part.count == 2 {
            if groups.last?.source == part[0] {
                groups[groups.count - 1].count += 1
            } else {
                groups.append((part[0], label, 1))
            }
        }
        let sources = groups.map { group in
            Markup.text(
                group.source, x: left + (Double(group.first) + Double(group.count) / 2) * cell, y: y + 106,
                style: "middle")
        }
        return sources
            + parts.enumerated().map { label, part in
                let name = part[part.count - 1]
                let short = shortened(name, to: 16)
                let x = left + (Double(label) + 0.5) * cell
                return
                    "<text class=\"end\" transform=\"translate(\(Markup.n(x + 4)),\(Markup.n(y + 12))) rotate(-50)\">\(Markup.escape(short))</text>"
            }
    }
}
