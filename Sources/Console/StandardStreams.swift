import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What a program does before anything else with the streams that it is given.
public enum StandardStreams {
    /// Has a reader that goes away be an error of the write, and no death; and fills descriptors 0 to 2 where they are
    /// closed, for the next file that is opened would get their numbers, and log lines would go into it.
    public static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // For reading: writes to it fail as they would have. `open` takes the lowest number that is free.
            _ = open("/dev/null", O_RDONLY)
        }
    }
}
