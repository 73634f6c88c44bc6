import Charts
import Text

/// What a report says, for a page and for Markdown.
struct ReportDocument {
    struct Table {
        var title: String
        var table: TextTable
    }
    struct Figure {
        var chart: Chart
        var caption: String?
    }
    struct Section {
        var title: String
        var words: [String] = []
        /// The few figures to be seen first.
        var facts: [(name: String, value: String)] = []
        var figures: [Figure] = []
        var tables: [Table] = []
        /// Text that is folded away.
        var folded: [(title: String, text: String)] = []
    }

    var title: String
    var words: String
    var sections: [Section]

    /// Titles, words and tables; a page has the charts as well.
    var markdown: String {
        var parts = ["# " + TextTable.plain(title), TextTable.plain(words)]
        for section in sections {
            parts.append("## " + TextTable.plain(section.title))
            parts += section.words.map(TextTable.plain)
            if !section.facts.isEmpty {
                var table = TextTable(["", ""])
                for fact in section.facts { table.add([fact.name, fact.value]) }
                parts.append(table.markdown)
            }
            for table in section.tables { parts += ["### " + TextTable.plain(table.title), table.table.markdown] }
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// One file that needs nothing else.
    var html: String {
        HTMLPage.html(
            title: title, words: words, styles: [ChartStyle.css, ReportStyle.css],
            main: Markup.element("main", [:], sections.map(Self.html).joined(separator: "\n")))
    }

    private static func html(_ section: Section) -> String {
        var parts = [Markup.element("h2", [:], Markup.escape(section.title))]
        parts += section.words.map { Markup.element("p", [:], Markup.escape($0)) }
        if !section.facts.isEmpty {
            let facts = section.facts.map { fact in
                Markup.element(
                    "div", [:],
                    Markup.element("dt", [:], Markup.escape(fact.name))
                        + Markup.element("dd", [:], Markup.escape(fact.value)))
            }
            parts.append(Markup.element("dl", [:], facts.joined(separator: "\n")))
        }
        if !section.figures.isEmpty {
            let figures = section.figures.map { figure in
                Markup.element(
                    "figure", ["class": figure.chart.isWide ? "wide" : "narrow"],
                    figure.chart.svg
                        + (figure.caption.map { Markup.element("figcaption", [:], Markup.escape($0)) } ?? ""))
            }
            parts.append(Markup.element("div", ["class": "figures"], figures.joined(separator: "\n")))
        }
        for table in section.tables {
            parts.append(Markup.element("h3", [:], Markup.escape(table.title)))
            parts.append(Markup.element("div", ["class": "table"], table.table.html))
        }
        for folded in section.folded {
            parts.append(
                Markup.element(
                    "details", [:],
                    Markup.element("summary", [:], Markup.escape(folded.title))
                        + Markup.element("pre", [:], Markup.escape(folded.text))))
        }
        return Markup.element("section", [:], "\n" + parts.joined(separator: "\n") + "\n")
    }
}
