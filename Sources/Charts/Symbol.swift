import Text

/// The small shapes of marks and legends.
enum Symbol {
    static func draw(_ key: Chart.Key, x: Double, y: Double) -> String {
        switch key.symbol {
        case .line:
            return Markup.element(
                "line",
                [
                    "class": "line \(key.style)", "x1": Markup.n(x - 11), "x2": Markup.n(x + 11), "y1": Markup.n(y),
                    "y2": Markup.n(y),
                ])
        case .dot: return circle(x, y, radius: 4, style: "dot \(key.style)")
        case .ring: return circle(x, y, radius: 4, style: "ring \(key.style)")
        case .cross: return cross(x, y, style: "trail \(key.style)")
        case .diamond: return diamond(x, y, radius: 5, style: key.style)
        case .square:
            return Markup.element(
                "rect", ["class": key.style, "x": Markup.n(x - 5), "y": Markup.n(y - 5), "width": "10", "height": "10"])
        }
    }

    static func circle(_ x: Double, _ y: Double, radius: Double, style: String, tip: String? = nil) -> String {
        Markup.element(
            "circle", ["class": style, "cx": Markup.n(x), "cy": Markup.n(y), "r": Markup.n(radius)],
            tip.map(Markup.tip))
    }

    static func cross(_ x: Double, _ y: Double, style: String, tip: String? = nil) -> String {
        let (a, b) = ((Markup.n(x - 4), Markup.n(y - 4)), (Markup.n(x + 4), Markup.n(y + 4)))
        return Markup.element(
            "path", ["class": style, "d": "M\(a.0),\(a.1)L\(b.0),\(b.1)M\(a.0),\(b.1)L\(b.0),\(a.1)"],
            tip.map(Markup.tip))
    }

    static func diamond(_ x: Double, _ y: Double, radius: Double, style: String, tip: String? = nil) -> String {
        let corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
        return Markup.element(
            "polygon",
            ["class": style, "points": corners.map { "\(Markup.n($0.0)),\(Markup.n($0.1))" }.joined(separator: " ")],
            tip.map(Markup.tip))
    }
}
