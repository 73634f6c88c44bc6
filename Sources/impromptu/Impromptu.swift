@main
struct Impromptu {
    static func main() {}
}
