import Glibc

/// What the program does about its standard streams before anything else.
public enum StandardStreams {
    /// Lets no reader that goes away end the program (SIGPIPE), and gives descriptors 0 to 2 to nothing else where they
    /// were closed: a file that is opened later would get the lines that are meant for them.
    public static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // The wrong way round, so that reading and writing still fail and are noticed.
            open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
