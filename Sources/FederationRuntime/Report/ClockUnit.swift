/// The unit that times of some length are best told in.
struct ClockUnit {
    let name: String
    let seconds: Double

    init(upTo seconds: Double) {
        (name, self.seconds) =
            switch seconds {
            case ..<600: ("seconds", 1)
            case ..<14_400: ("minutes", 60)
            default: ("hours", 3600)
            }
    }
}
