package uploadbroker

import kotlinx.coroutines.CancellationException

/** The app's access tokens. */
public fun interface Tokens {
    /**
     * Return the bearer token for a request.
     *
     * The client calls this before each request to the broker, from several coroutines at the same time. So return a
     * stored token, and get a new one only if [refused] is the stored one.
     *
     * @param owner the owner that the request is about, for tokens with a grant. Null if the client knows only an
     *   upload's id.
     * @param refused the token that the broker has just refused with 401; null on the first try. If the result is
     *   this token again, the request fails with [BrokerException.Unauthorized].
     */
    public suspend fun token(owner: Owner?, refused: String?): String
}

private val SENDABLE = Regex("[!-~]+")

/**
 * Return the app's token.
 *
 * @throws BrokerException.TokenFailed the app's function failed, or its result cannot be sent in a header.
 */
internal suspend fun Tokens.checked(owner: Owner?, refused: String?): String {
    val token = try {
        token(owner, refused).trim()
    } catch (error: CancellationException) {
        throw error
    } catch (error: BrokerException) {
        throw error
    } catch (error: Exception) {
        throw BrokerException.TokenFailed("the token function failed: $error", error)
    }
    // OkHttp's own error would contain the token.
    if (!SENDABLE.matches(token)) throw BrokerException.TokenFailed("the token is empty, or not one line of ASCII")
    return token
}
