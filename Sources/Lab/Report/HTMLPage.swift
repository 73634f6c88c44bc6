import Charts
import Text

/// One file that needs nothing else: well-formed XML that every browser reads as HTML.
enum HTMLPage {
    /// - Parameters:
    ///   - title: of the page, and its first line.
    ///   - words: below the title.
    ///   - styles: further CSS, each from a line of its own.
    ///   - main: the element with the content.
    static func html(title: String, words: String, styles: [String], main: String) -> String {
        let head = [
            Markup.element("meta", ["charset": "utf-8"]),
            Markup.element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            Markup.element("meta", ["name": "color-scheme", "content": "light dark"]),
            Markup.element("title", [:], Markup.escape(title)),
            Markup.element("style", [:], "\n" + styles.joined(separator: "\n") + "\n"),
        ]
        let body = [
            Markup.element(
                "header", [:],
                Markup.element("h1", [:], Markup.escape(title)) + Markup.element("p", [:], Markup.escape(words))),
            main,
        ]
        return "<!DOCTYPE html>\n"
            + Markup.element(
                "html", ["lang": "en"],
                "\n" + Markup.element("head", [:], "\n" + head.joined(separator: "\n") + "\n") + "\n"
                    + Markup.element("body", [:], "\n" + body.joined(separator: "\n") + "\n") + "\n") + "\n"
    }
}
