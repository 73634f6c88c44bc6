/// The version of this build, written into every log.
public let buildVersion = "0.1.0"
