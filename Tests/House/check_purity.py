"""Purity of the targets that a recorded run has to replay bit for bit: no clock, no randomness of the system, no input
or output, no logger, no threads, nothing that depends on a hash or an address.

Names are looked at, not types, so there are limits: a type or function that a pure target declares itself counts as its
own wherever it is named (a method `open`, a type `Logger`); of a nested type `Task`, `Task {` and `Task.sleep` still
count as the library's. What hides in C code or behind another target's names is not seen. What a pure target imports is
for `check_imports`."""

from check_leftovers import is_called
from declarations import TYPES, declarations
from tree import Finding

# Types, wherever they are named.
TYPE_NAMES = {
    "a clock": {
        "Date", "DispatchTime", "ContinuousClock", "SuspendingClock", "DispatchWallTime", "DateInterval", "Calendar",
        "TimeZone", "Timer", "UTCClock"},
    "randomness of the system": {"SystemRandomNumberGenerator", "UUID"},
    "input or output": {
        "FileManager", "FileHandle", "FileDescriptor", "ProcessInfo", "CommandLine", "Process", "Pipe", "Bundle",
        "UserDefaults", "URLSession", "InputStream", "OutputStream"},
    "a logger": {"Logger", "LogHandler", "LoggingSystem", "OSLog"},
    "threads": {
        "Task", "Thread", "DispatchQueue", "DispatchSemaphore", "DispatchGroup", "OperationQueue", "TaskGroup", "Mutex",
        "ThrowingTaskGroup", "TaskLocal", "NSLock", "AsyncStream", "AsyncSequence", "Atomic", "MainActor"},
    "a hash or an address": {"ObjectIdentifier", "Hasher", "Unmanaged"},
}
# Functions, where they are called.
FUNCTIONS = {
    "a clock": {
        "clock_gettime", "clock_gettime_nsec_np", "gettimeofday", "time", "clock", "times", "mach_absolute_time",
        "localtime", "gmtime", "ftime"},
    "randomness of the system": {
        "rand", "random", "srand", "srandom", "rand_r", "drand48", "lrand48", "mrand48", "erand48", "srand48",
        "arc4random", "arc4random_uniform", "arc4random_buf", "getrandom", "getentropy"},
    "input or output": {
        "print", "debugPrint", "dump", "readLine", "NSLog", "os_log", "fopen", "fdopen", "freopen", "fclose", "fread",
        "fwrite", "fputs", "fgets", "puts", "putchar", "getchar", "printf", "vprintf", "fprintf", "vfprintf", "perror",
        "fflush", "open", "openat", "close", "read", "write", "pread", "pwrite", "readv", "writev", "lseek", "fsync",
        "mmap", "munmap", "stat", "fstat", "unlink", "rename", "mkdir", "opendir", "socket", "connect", "send", "recv",
        "getenv", "setenv", "unsetenv", "secure_getenv", "getpid", "system", "popen", "fork", "execv", "execvp", "exit",
        "_exit", "isatty", "getcwd", "gethostname", "uname", "sysconf", "sysctlbyname", "syslog", "dprintf", "ioctl"},
    "threads": {
        "pthread_create", "pthread_self", "pthread_mutex_lock", "sleep", "usleep", "nanosleep", "withTaskGroup",
        "withThrowingTaskGroup", "withDiscardingTaskGroup", "withUnsafeContinuation", "withCheckedContinuation"},
}
MODULES = {"Swift", "Glibc", "Darwin", "Foundation", "Dispatch", "Synchronization"}
# Methods that draw from the system's generator unless they are given another.
DRAWING = {"random", "shuffle", "shuffled", "randomElement"}
HASHING = {"hashValue", "_rawHashValue", "toOpaque"}
BEFORE_TYPE = TYPES | {"->", ":", ".", "extension", "typealias", "associatedtype"}
OPERANDS = {")", "]", "}", "?", "!", ">"}


def by_name(table):
    return {name: what for what, names in table.items() for name in names}


TYPES_BY_NAME, FUNCTIONS_BY_NAME = by_name(TYPE_NAMES), by_name(FUNCTIONS)


def check(tree, pure):
    sources = [source for name in sorted(pure) for source in tree.of_target(name)]
    own = declared(sources)
    for source in sources:
        for line, what, seen in impurities(source, own):
            yield Finding(source.path, line, f"{source.target} is pure and may not have {what}: {seen}")


def declared(sources):
    """The names of the types at the files' tops, of the nested types, and of the functions."""
    top, nested, functions = set(), set(), set()
    for source in sources:
        for declaration in declarations(source):
            if declaration.kind in TYPES | {"typealias", "associatedtype"}:
                (nested if declaration.owner else top).add(declaration.name)
            elif declaration.kind == "func":
                functions.add(declaration.name)
    return top, nested - top, functions


def impurities(source, own):
    """(line, what it is, how it is written) for each."""
    code, pairs = source.code, source.pairs
    own_types, nested_types, own_functions = own
    local = local_functions(code)
    for index, token in enumerate(code):
        name, line = token.text, token.line
        before = code[index - 1].text if index else ""
        after = code[index + 1].text if index + 1 < len(code) else ""
        if token.kind == "attribute" and name in ("@MainActor", "@TaskLocal"):
            yield line, "threads", name
        if token.kind != "name":
            continue
        is_member = before == "." and not (index > 1 and code[index - 2].text in MODULES)
        if is_member:
            yield from member(code, pairs, index)
        elif name in TYPES_BY_NAME and name not in own_types and after != ":" and not is_hash_witness(code,
            index) and not (
                name in nested_types and (after not in ("{", ".") or before in BEFORE_TYPE)):
            yield line, TYPES_BY_NAME[name], name
        elif name in FUNCTIONS_BY_NAME and is_called(code, index) and not (
                before != "." and (name in own_functions or name in local)):
            yield line, FUNCTIONS_BY_NAME[name], f"{name}(...)" if after == "(" else name
        elif is_concurrency(code, index, before, after):
            yield line, "threads", name
        elif name == "nonisolated" and after == "(" and code[index + 2].text == "unsafe":
            yield line, "state that threads share", "nonisolated(unsafe)"


def is_concurrency(code, index, before, after):
    """Whether `async`, `await` or `actor` stands there as the keyword."""
    name = code[index].text
    if name == "async":
        return before == ")" or after in ("let", "throws", "->")
    if name == "actor":
        return before != "case" and code[index + 1].kind == "name" and code[index].line == code[index + 1].line
    return name == "await" and before != "case"


def member(code, pairs, index):
    name, line = code[index].text, code[index].line
    is_call = index + 1 < len(code) and code[index + 1].text == "("
    root = code[index - 2] if index > 1 else None
    if name in DRAWING:
        if is_call and not has_label(code, pairs, index + 1, "using"):
            yield line, "randomness of the system", f".{name}(...) without using:"
        elif not is_call and (name != "random" or root is not None and root.text[:1].isupper()):
            yield line, "randomness of the system", f".{name} without using:"
    elif name in HASHING:
        yield line, "a hash or an address", f".{name}"
    elif name == "now" and (root is None or root.kind == "op" and root.text not in OPERANDS):
        yield line, "a clock", ".now"


def has_label(code, pairs, bracket, label):
    """Whether the call whose bracket opens there has an argument of that label."""
    index, end = bracket + 1, pairs[bracket]
    while index < end:
        if code[index].text == label and code[index + 1].text == ":" and code[index - 1].text in ("(", ","):
            return True
        index = pairs[index] + 1 if pairs[index] > index else index + 1
    return False


def is_hash_witness(code, index):
    """`func hash(into hasher: inout Hasher)`, which makes a type Hashable and orders nothing."""
    return code[index].text == "Hasher" and code[index - 1].text == "inout" and index > 6 and (
        code[index - 6].text == "hash" and code[index - 4].text == "into")


def local_functions(code):
    """The functions that a file declares within others, and its parameters that are functions."""
    found = set()
    for index in range(len(code) - 2):
        if code[index].text == "func":
            found.add(code[index + 1].text)
        elif code[index].kind == "name" and code[index + 1].text == ":" and (
                code[index + 2].text == "(" or code[index + 2].kind == "attribute"):
            found.add(code[index].text)
    return found
