/// The colours and letters of every chart, as CSS without variables, which many viewers of SVG outside of browsers do not
/// know. The series' colours follow Okabe and Ito (2008), with the lightness moved until each stands out from the paper.
package enum ChartStyle {
    package struct Colours {
        package var paper: String
        package var ink: String
        /// Of ticks, axes and notes.
        package var quiet: String
        package var grid: String
        package var series: [String]
    }

    package static let light = Colours(
        paper: "#ffffff", ink: "#1c2430", quiet: "#5b6572", grid: "#e3e7ec",
        series: ["#0072b2", "#d55e00", "#00875f", "#b8608f", "#a87000", "#2f8bc0", "#5b6572"])
    package static let dark = Colours(
        paper: "#12161c", ink: "#e6eaf0", quiet: "#a3adba", grid: "#2c3440",
        series: ["#4aa3e0", "#f07c33", "#24b88a", "#d98bb5", "#e6b03c", "#8fd0f5", "#b9c2cc"])

    /// Lines of the same colour differ by their dashes.
    private static let dashes = ["none", "7 3", "2 3", "9 3 2 3"]

    /// The class of a series.
    package static func series(_ index: Int) -> String {
        let colour = index % light.series.count
        let dash = index % (light.series.count * dashes.count) / light.series.count
        return "s\(colour)" + (dash > 0 ? " d\(dash)" : "")
    }

    package static var css: String {
        """
        svg text { font: 11px system-ui, "DejaVu Sans", sans-serif; }
        svg .heading { font-size: 17px; font-weight: 600; }
        svg .title { font-size: 13px; font-weight: 600; }
        .middle { text-anchor: middle; } .end { text-anchor: end; }
        .line, .trail { fill: none; stroke-width: 2; stroke-linejoin: round; } .trail { stroke-width: 1.5; }
        .band { stroke: none; fill-opacity: 0.18; } .spot { fill-opacity: 0; stroke: none; }
        .reference { stroke-dasharray: 4 3; } .ring { stroke-width: 1.5; }
        \(dashRules)
        \(rules(light))
        @media screen and (prefers-color-scheme: dark) {
        \(rules(dark))
        }
        """
    }

    private static var dashRules: String {
        let rules = dashes.enumerated().dropFirst().map { ".line.d\($0.offset) { stroke-dasharray: \($0.element); }" }
        return rules.joined(separator: " ")
    }

    private static func rules(_ colours: Colours) -> String {
        let series = colours.series.enumerated().map { index, colour in
            ".s\(index) { fill: \(colour); stroke: none; }"
                + " .line.s\(index), .trail.s\(index), .ring.s\(index) { stroke: \(colour); }"
        }
        return """
            svg text { fill: \(colours.quiet); } svg .heading, svg .title { fill: \(colours.ink); }
            .paper { fill: \(colours.paper); } .grid { stroke: \(colours.grid); } .reference { stroke: \(colours.quiet); }
            \(series.joined(separator: "\n"))
            .line, .trail { fill: none; } .ring { fill: \(colours.paper); }
            """
    }
}
