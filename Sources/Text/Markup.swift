/// XML as text: what charts and pages are made of.
package enum Markup {
    /// The text as content or as a quoted attribute. What XML cannot hold becomes U+FFFD.
    package static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\u{0}"..."\u{8}", "\u{b}", "\u{c}", "\u{e}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{fffe}", "\u{ffff}":
                escaped += "\u{fffd}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// An element whose attributes are escaped here and whose content is markup already.
    package static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: String? = nil
    ) -> String {
        let start = "<" + name + attributes.map { " \($0)=\"\(escape($1))\"" }.joined()
        return content.map { "\(start)>\($0)</\(name)>" } ?? start + "/>"
    }

    /// A coordinate.
    package static func n(_ value: Double) -> String { decimal(value, 1) }

    package static func text(_ text: String, x: Double, y: Double, style: String) -> String {
        element("text", ["class": style, "x": n(x), "y": n(y)], escape(text))
    }

    /// What a browser shows of a mark that is pointed at.
    package static func tip(_ text: String) -> String { element("title", [:], escape(text)) }
}
