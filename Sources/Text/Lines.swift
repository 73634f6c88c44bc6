/// The lines of a text file that people edit: without a byte order mark, and whatever ends them.
package func lines(of text: String) -> [Substring] {
    let content = text.unicodeScalars.first == "\u{feff}" ? Substring(text.unicodeScalars.dropFirst()) : text[...]
    return content.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
}
