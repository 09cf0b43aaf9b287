package uploadbroker.android

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import java.io.File

/** The real broker that tests/kotlin_client has started, with a bucket and a worker. An ad may have two images. */
object Shop {
    val url: String = System.getProperty("broker.url")
    val token: String = System.getProperty("broker.token")
    val photo: ByteArray = File(System.getProperty("photo")).readBytes()
    private val http = OkHttpClient()

    /** Create an ad, and return its id. */
    fun newAd(): Long {
        val body = """{"title": "Bicycle", "description": "", "price": "1.00"}"""
        return call("POST", "/api/ads/", body).jsonObject.getValue("id").jsonPrimitive.long
    }

    /** Return the published images of an ad. */
    fun images(ad: Long): JsonArray = call("GET", "/api/ads/$ad/").jsonObject.getValue("images").jsonArray

    /** Delete the first image of an ad. */
    fun deleteImage(ad: Long) {
        val id = images(ad).first().jsonObject.getValue("id")
        call("DELETE", "/api/ads/$ad/images/$id/")
    }

    /** Return the uploads of an ad that have not ended, or were rejected. */
    fun unfinished(ad: Long): JsonArray = call("GET", "/api/ads/$ad/uploads/").jsonObject.getValue("results").jsonArray

    private fun call(method: String, path: String, body: String? = null) = http.newCall(
        Request.Builder().url("$url$path").header("Authorization", "Bearer $token")
            .method(method, body?.toRequestBody("application/json".toMediaType())).build(),
    ).execute().use {
        check(it.isSuccessful) { "$method $path: ${it.code} ${it.body.string()}" }
        Json.parseToJsonElement(it.body.string().ifEmpty { "null" })
    }
}
