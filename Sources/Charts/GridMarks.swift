import Text

/// Marks in the cells of a grid, whose rows the y axis labels.
package struct GridMarks: ChartMarks {
    package enum Shape {
        /// Fills the cell, the darker the larger the share.
        case shade
        /// A circle whose area is the share.
        case bubble
        case dot, diamond
    }
    package struct Cell {
        package var row: Int
        package var column: Int
        package var shape: Shape
        /// From 0 to 1.
        package var share: Double
        package var style: Int
        package var tip: String

        package init(row: Int, column: Int, shape: Shape, share: Double, style: Int = 0, tip: String) {
            self.row = row
            self.column = column
            self.shape = shape
            self.share = share
            self.style = style
            self.tip = tip
        }
    }

    package var columns: Int
    package var cells: [Cell]

    package init(columns: Int, cells: [Cell]) {
        self.columns = columns
        self.cells = cells
    }

    package func draw(in frame: ChartFrame) -> [String] {
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
