/// Marks in the cells of a grid, whose rows the y axis labels.
struct GridMarks: ChartMarks {
    enum Shape {
        /// Fills the cell, the darker the larger the share.
        case shade
        /// A circle whose area is the share.
        case bubble
        case dot, diamond
    }
    struct Cell {
        var row: Int
        var column: Int
        var shape: Shape
        /// From 0 to 1.
        var share: Double
        var style = 0
        var tip: String
    }

    var columns: Int
    var cells: [Cell]

    func draw(in frame: ChartFrame) -> [String] {
        let (width, height) = (frame.width / Double(columns), frame.row)
        return cells.map { cell -> String in
            let x = frame.left + (Double(cell.column) + 0.5) * width
            let y = frame.down(Double(cell.row) + 0.5)
            let style = "cell \(ChartStyle.series(cell.style))"
            let radius = min(width, height) / 2 - 0.5
            switch cell.shape {
            case .shade:
                return Markup.element(
                    "rect",
                    [
                        "class": style, "x": Markup.n(x - width / 2 + 0.5), "y": Markup.n(y - height / 2 + 0.5),
                        "width": Markup.n(max(width - 1, 0.5)), "height": Markup.n(max(height - 1, 0.5)),
                        "fill-opacity": decimal(0.2 + 0.8 * cell.share, 2),
                    ], Markup.tip(cell.tip))
            case .bubble:
                return Symbol.circle(
                    x, y, radius: max(radius * cell.share.squareRoot(), 0.8), style: style, tip: cell.tip)
            case .dot: return Symbol.circle(x, y, radius: min(radius, 5), style: style, tip: cell.tip)
            case .diamond: return Symbol.diamond(x, y, radius: min(radius, 6), style: style, tip: cell.tip)
            }
        }
    }
}
