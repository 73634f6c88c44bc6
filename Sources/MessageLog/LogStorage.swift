/// The file that a log is written to: the operating system's (`LogFile`), or one that a simulation makes fail.
package protocol LogStorage: AnyObject {
    /// Names the file in errors.
    var path: String { get }
    /// Whether opening has just created it.
    var isNew: Bool { get }
    /// Writes all bytes from `offset` on.
    func write(_ bytes: RawSpan, at offset: UInt64) throws(LogError)
    /// Returns once the bytes are on the disk.
    func synchronize() throws(LogError)
    /// Makes the file's name itself durable.
    func synchronizeParent() throws(LogError)
    func truncate(to length: UInt64) throws(LogError)
    /// Lets another writer have the file.
    func unlock()
    /// What it holds now.
    func map() throws(LogError) -> FileMap
}
