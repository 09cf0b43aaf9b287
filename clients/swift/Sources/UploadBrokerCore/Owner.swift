import Foundation

/// Who a file belongs to: an ad, a user, or an owner of another profile.
public struct Owner: Codable, Hashable, Sendable {
    /// The name of the profile, such as `ad_image`.
    public let profile: String
    /// The id or name within the profile.
    public let name: String

    public static func ad(_ id: Int64) -> Owner { Owner(profile: "ad_image", name: String(id)) }

    /// The file becomes the user's avatar.
    public static func user(_ id: Int64) -> Owner { Owner(profile: "avatar", name: String(id)) }

    /// An owner of any profile, for example `Owner.of("invoice", "42")`. A name is up to 64 letters,
    /// digits, `_` and `-`.
    public static func of(_ profile: String, _ name: String) -> Owner { Owner(profile: profile, name: name) }

    /// The path at which one ticket is requested.
    var ticketPath: String {
        switch profile {
        case "ad_image": return "/api/ads/\(name)/upload_image/"
        case "avatar": return "/api/users/\(name)/upload_avatar/"
        default: return "/api/owners/\(Owner.escaped(profile))/\(Owner.escaped(name))/uploads/"
        }
    }

    /// Whether a ticket request may contain an alt text and an order: not for avatars.
    var takesText: Bool { profile != "avatar" }

    private static func escaped(_ segment: String) -> String {
        let allowed = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        return segment.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }
}
