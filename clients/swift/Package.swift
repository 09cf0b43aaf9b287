// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "upload-broker-client",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "UploadBroker", targets: ["UploadBroker"]),
        .library(name: "UploadBrokerCore", targets: ["UploadBrokerCore"]),
    ],
    targets: [
        .target(name: "UploadBrokerCore"),
        .target(name: "UploadBroker", dependencies: ["UploadBrokerCore"]),
        .testTarget(name: "UploadBrokerCoreTests", dependencies: ["UploadBrokerCore"]),
        .testTarget(name: "UploadBrokerTests", dependencies: ["UploadBroker", "UploadBrokerCore"]),
    ]
)
