import ArgumentParser
import Console
import Text

/// How a command prints a document, which has no rows.
struct DocumentOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp(outputHelp, valueName: "format"))
    var format = Format.table

    /// - Parameter table: lines for people.
    func show(_ document: some Encodable, table: () throws -> [String]) throws {
        switch format {
        case .json: try printJSON(document)
        case .table: try StandardOutput.write(try table().joined(separator: "\n"))
        }
    }
}

/// How a command prints rows.
struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, csv }

    @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp(outputHelp, valueName: "format"))
    var format = Format.table

    /// Prints rows: all of them as one document of JSON, a line of CSV for each, or as lines for people.
    func show(_ rows: [some Encodable], table: () throws -> [String]) throws {
        try show(rows, rows: rows, table: table)
    }

    /// - Parameters:
    ///   - document: what JSON holds.
    ///   - rows: what CSV holds of it.
    func show(_ document: some Encodable, rows: [some Encodable], table: () throws -> [String]) throws {
        switch format {
        case .json: try printJSON(document)
        case .csv: try StandardOutput.write(try CSV.lines(of: rows).joined(separator: "\n"))
        case .table: try StandardOutput.write(try table().joined(separator: "\n"))
        }
    }
}

private let outputHelp = "How to print the result."

/// Prints a value as JSON with sorted keys.
private func printJSON(_ value: some Encodable) throws {
    try StandardOutput.write(value.json(isPretty: true))
}
