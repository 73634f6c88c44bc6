/// The unit that suits times of some length.
package struct ClockUnit {
    package let name: String
    package let seconds: Double

    package init(upTo seconds: Double) {
        (name, self.seconds) =
            switch seconds {
            case ..<600: ("seconds", 1)
            case ..<14_400: ("minutes", 60)
            default: ("hours", 3600)
            }
    }
}
