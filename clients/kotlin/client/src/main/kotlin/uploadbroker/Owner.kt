package uploadbroker

import okhttp3.HttpUrl

/**
 * Who a file belongs to: an ad, a user, or an owner of another profile.
 *
 * @property profile the name of its profile, such as `ad_image`.
 * @property name its id or name within the profile. `042` is not `42`.
 */
public class Owner private constructor(public val profile: String, public val name: String) {
    /** The path of the ticket request. */
    internal val ticketPath: String
        get() = when (profile) {
            AD -> "/api/ads/$name/upload_image/"
            USER -> "/api/users/$name/upload_avatar/"
            else -> "/api/owners/${segment(profile)}/${segment(name)}/uploads/"
        }

    /** Whether a ticket request may contain an alt text and an order. */
    internal val takesText: Boolean get() = profile != USER

    override fun equals(other: Any?): Boolean = other is Owner && other.profile == profile && other.name == name

    override fun hashCode(): Int = 31 * profile.hashCode() + name.hashCode()

    /** The profile and the name with a slash between them, such as `ad_image/7`. */
    override fun toString(): String = "$profile/$name"

    public companion object {
        private const val AD = "ad_image"
        private const val USER = "avatar"

        /** Return the owner of an ad's photos. */
        public fun ad(id: Long): Owner = Owner(AD, id.toString())

        /** Return the owner of a user's avatar. */
        public fun user(id: Long): Owner = Owner(USER, id.toString())

        /** Return an owner of any profile, for example `Owner.of("invoice", "42")`. */
        public fun of(profile: String, name: String): Owner = Owner(profile, name)
    }
}

private fun segment(text: String): String =
    HttpUrl.Builder().scheme("http").host("h").addPathSegment(text).build().encodedPathSegments.single()
