package uploadbroker

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonArray
import kotlin.math.min

private const val PARTS_AT_ONCE = 4

/** Sends a large file in parts: only the parts that the bucket does not have, a few at once. */
internal class Parts(
    private val api: Api,
    private val uploadId: String,
    private val file: DeclaredFile,
    private val meter: Meter,
) {
    private val path = "/api/uploads/$uploadId/parts/"
    private val counted = mutableSetOf<Int>()
    private var partSize = 0L

    /** Whether parts are declared with digests. This is the same for all parts of an upload. */
    private var isPinned = true

    /**
     * Send the missing parts and complete the upload, in a limited number of rounds.
     *
     * If S3 lost a part, or the whole multipart upload, the next round detects this.
     *
     * @throws BrokerException no retry was left, S3's refusal is final, the file has changed, or the upload has ended.
     */
    suspend fun send(): Recorded {
        val retries = Retries(api.policy)
        while (true) {
            val error = sendMissing() ?: try {
                return api.untilRecorded(Step.COMPLETE, uploadId)
            } catch (error: BrokerException.Refused) {
                if (api.policy.decide(Step.COMPLETE, Failure.of(error)) != Decision.NEXT_ROUND) throw error
                error
            }
            if (!retries.wait(error.retryAfter)) throw error
        }
    }

    /** Send every missing part. Return an error if another round may succeed. */
    private suspend fun sendMissing(): BrokerException.Refused? {
        val arrived = try {
            api.call<Arrived>("GET", path)
        } catch (error: BrokerException.Refused) {
            if (api.policy.decide(Step.PARTS, Failure.of(error)) == Decision.CONFIRM) return null
            throw error
        }
        partSize = arrived.partSize
        for (part in arrived.parts) if (counted.add(part.number)) meter.count(part.size)
        for (number in arrived.missing) if (counted.remove(number)) meter.takeBack(sizeOf(number))
        val lost = mutableListOf<Int>()
        for (numbers in arrived.missing.chunked(PARTS_AT_ONCE)) {
            val signed = sign(numbers)
            val there = coroutineScope { signed.map { async { sendPart(it) } }.awaitAll() }
            for ((number, isThere) in numbers.zip(there)) if (isThere) counted += number else lost += number
        }
        if (lost.isEmpty()) return null
        return refused(Problem("parts_missing", 409, "S3 does not know the upload of parts $lost"))
    }

    private suspend fun sign(numbers: List<Int>): List<SignedPart> {
        file.requireUnchanged()
        val wanted = numbers.map { WantedPart(it, if (isPinned) file.checksumOf(start(it), sizeOf(it)) else null) }
        return try {
            api.call<SignedParts>("POST", path, JSON.encodeToString(WantedParts(wanted))).parts
        } catch (error: BrokerException.ValidationFailed) {
            // A list: another device started the upload without digests. An error in a single part is an object
            // with the part's index.
            if (!isPinned || error.problem.errors["parts"] !is JsonArray) throw error
            isPinned = false
            sign(numbers)
        }
    }

    /** Send one part. Return false if S3 does not know the multipart upload. */
    private suspend fun sendPart(signed: SignedPart): Boolean {
        var part = signed
        val retries = Retries(api.policy)
        while (true) {
            file.requireUnchanged()
            val body = file.body(start(part.number), sizeOf(part.number), meter::count)
            val sent = api.http.put(Transfer("PUT", part.url, part.headers), body, api.policy, Step.PART)
            val decision = sent.followed(api, uploadId, file)
            if (decision == Decision.CONFIRM) {
                meter.count(sizeOf(part.number) - sent.bytes)
                return true
            }
            meter.takeBack(sent.bytes)
            if (decision == Decision.NEXT_ROUND) return false
            if (decision == Decision.RENEW) {
                if (sent.decision == Decision.REPORT) api.renew(uploadId)
                part = sign(listOf(part.number)).single()
            }
            if (!retries.wait(sent.retryAfter)) throw sent.error
        }
    }

    private fun start(number: Int): Long = (number - 1) * partSize

    private fun sizeOf(number: Int): Long = min(partSize, file.size - start(number))
}

@Serializable
private class Arrived(
    @SerialName("part_size") val partSize: Long,
    val parts: List<ArrivedPart>,
    val missing: List<Int>,
)

@Serializable
private class ArrivedPart(@SerialName("part_number") val number: Int, val size: Long)

@Serializable
private class WantedParts(val parts: List<WantedPart>)

@Serializable
private class WantedPart(
    @SerialName("part_number") val number: Int,
    @SerialName("checksum_sha256") val checksum: String? = null,
)

@Serializable
private class SignedParts(val parts: List<SignedPart>)

@Serializable
private class SignedPart(@SerialName("part_number") val number: Int, val url: String, val headers: Map<String, String>)
