package uploadbroker

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

private const val MAX_RESTARTS = 2

/** Uploads one file: a new upload, or one that was started before. */
internal class Delivery(
    private val api: Api,
    private val file: DeclaredFile,
    private val onProgress: (Progress) -> Unit,
) {
    /**
     * Upload the file, or resume the upload that the record knows. Return it when the broker knows that it has arrived.
     *
     * If the upload has expired, start a new one with a new [request], at most twice. The record is deleted when the
     * upload has finally failed. After any other error the next call resumes the upload.
     *
     * @throws BrokerException see [Broker.upload].
     */
    suspend fun deliver(record: UploadRecord, owner: Owner, request: suspend () -> String): Recorded {
        var restarts = 0
        while (true) {
            val entry = record.begin(request)
            try {
                if (entry.uploadId != null) return resume(entry.uploadId)
                val ticket = api.requestTicket(owner, entry.request, entry.idempotencyKey)
                record.write(entry.copy(uploadId = ticket.id))
                return shown(Meter(ticket.id, file.size, onProgress)) { send(ticket, it) }
            } catch (error: BrokerException) {
                val decision = api.policy.decide(Step.END, Failure.of(error, resumed = entry.uploadId != null))
                val isCancelled = record.stored() == null
                if (decision != Decision.KEEP) record.delete()
                if (decision != Decision.RESTART || isCancelled || restarts == MAX_RESTARTS) throw error
                restarts += 1
            }
        }
    }

    /**
     * Finish an upload by its id. Only the missing bytes are sent.
     *
     * @throws BrokerException.WrongFile the upload was declared for another file.
     */
    suspend fun resume(uploadId: String): Recorded {
        val found = api.call<Found>("GET", "/api/uploads/$uploadId/")
        if (found.size !in setOf(null, file.size) || found.checksum !in setOf(null, file.checksum)) {
            throw BrokerException.WrongFile("${file.name} is not the file of upload $uploadId")
        }
        return shown(Meter(uploadId, file.size, onProgress)) {
            when {
                found.state != "pending" -> confirm(uploadId)
                found.transport == "multipart" -> parts(uploadId, it).send()
                else -> finish(uploadId, it)
            }
        }
    }

    private suspend fun finish(uploadId: String, meter: Meter): Recorded {
        try {
            return api.askForImage(uploadId, "confirm")
        } catch (_: BrokerException.ObjectMissing) {
            return send(api.renew(uploadId), meter)
        }
    }

    private suspend fun send(ticket: Ticket, meter: Meter): Recorded =
        if (ticket.upload.method == "MULTIPART") parts(ticket.id, meter).send()
        else WholeFile(api, ticket.id, file, meter).send(ticket)

    private fun parts(uploadId: String, meter: Meter) = Parts(api, uploadId, file, meter)

    private suspend fun confirm(uploadId: String): Recorded = api.untilRecorded(Step.CONFIRM, uploadId)

    /** Run the steps of a transfer. If they find that the image is recorded already, return it. */
    private suspend fun shown(meter: Meter, steps: suspend (Meter) -> Recorded): Recorded {
        meter.begin()
        val recorded = try {
            steps(meter)
        } catch (error: BrokerException.ObjectMismatch) {
            file.requireUnchanged(refused = true) // Otherwise this is why other bytes arrived.
            throw error
        } catch (error: BrokerException.Refused) {
            if (api.policy.decide(Step.TRANSFER, Failure.of(error)) != Decision.CONFIRM) throw error
            confirm(meter.uploadId)
        } catch (error: BrokerException.FileChanged) {
            api.once().release(meter.uploadId)
            throw error
        }
        if (recorded.upload.image == null) meter.process()
        return recorded
    }
}

/** An upload as the broker describes it. */
@Serializable
internal class Found(
    val state: String,
    val transport: String,
    val size: Long? = null,
    @SerialName("checksum_sha256") val checksum: String? = null,
)
