package uploadbroker

import okhttp3.OkHttpClient
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes

/**
 * Uploads files through one broker, straight to S3. One object serves all uploads of an app; it may be used from any
 * coroutine.
 *
 * Temporary failures are retried with a backoff, and not before `Retry-After`. Cancelling the coroutine pauses an
 * upload: with a [Journal], the same call resumes it, also in another process.
 *
 * Large files are sent in parts, up to four at a time. OkHttp sends at most five requests to one host at a time, also
 * if an app uploads many files.
 *
 * @param baseUrl the broker's address, such as `https://broker.example`.
 * @param tokens returns the app's access tokens.
 * @param journal stores unfinished uploads. Without it, an upload ends with the process.
 * @param http the app's OkHttpClient: its connections, timeouts and interceptors are used. `Authorization` is removed
 *   from requests to S3. A call timeout applies only to the broker. The default waits 60 seconds for each piece of
 *   data; OkHttp's own 10 seconds are short for slow networks.
 * @param retries how often one request is repeated after its first try.
 * @param processingTimeout how long to wait while the broker inspects one file.
 * @throws IllegalArgumentException the address is not http or https.
 */
public class Broker internal constructor(
    baseUrl: String,
    tokens: Tokens,
    private val journal: Journal?,
    http: OkHttpClient,
    policy: RetryPolicy,
    private val processingTimeout: Duration,
) {
    public constructor(
        baseUrl: String,
        tokens: Tokens,
        journal: Journal? = null,
        http: OkHttpClient = patientClient(),
        retries: Int = DEFAULT_RETRIES,
        processingTimeout: Duration = 10.minutes,
    ) : this(baseUrl, tokens, journal, http, RetryPolicy(retries), processingTimeout)

    private val api = Api(brokerUrl(baseUrl), tokens, Http(http), policy)
    private val transports = Transports()

    /**
     * Upload a file, and return its image when it is published.
     *
     * @param source the file. Nobody may change it meanwhile.
     * @param owner who it belongs to.
     * @param altText the text for people who cannot see the image. Avatars have none.
     * @param order the position among the owner's files; null for 0.
     * @param onProgress is called first when the upload has its id, then after each block that was handed to the
     *   network, from threads of the network. It must return quickly.
     * @throws BrokerException the upload has failed. If [BrokerException.isTemporary], the same call may succeed later.
     */
    public suspend fun upload(
        source: Source,
        owner: Owner,
        altText: String = "",
        order: Int? = null,
        onProgress: (Progress) -> Unit = {},
    ): Image = imageOf(start(source, owner, altText, order, onProgress, processingTimeout))

    /**
     * Upload a file as [upload] does, but return as soon as the broker knows that it has arrived. The upload is then
     * `processing`, or `confirmed` with its image. [confirm] waits for the image; the file is not needed any more.
     */
    public suspend fun send(
        source: Source,
        owner: Owner,
        altText: String = "",
        order: Int? = null,
        onProgress: (Progress) -> Unit = {},
    ): Upload = start(source, owner, altText, order, onProgress, null)

    /**
     * Finish an upload by its id, and return its image when it is published. Only the missing bytes are sent.
     *
     * @param owner the owner, if the tokens depend on it.
     * @throws BrokerException.WrongFile the upload was declared for another file.
     * @throws BrokerException.UploadGone the upload has ended.
     */
    public suspend fun resume(
        uploadId: String,
        source: Source,
        owner: Owner? = null,
        onProgress: (Progress) -> Unit = {},
    ): Image {
        val about = api.about(owner)
        val recorded = Delivery(about, DeclaredFile.read(source), onProgress).resume(uploadId)
        return published(about, recorded)
    }

    /**
     * Record the image of an upload whose file has arrived, and return it when it is published. This may be repeated.
     *
     * @param owner the owner, if the tokens depend on it.
     */
    public suspend fun confirm(uploadId: String, owner: Owner? = null): Image {
        val about = api.about(owner)
        return published(about, about.untilRecorded(Step.CONFIRM, uploadId))
    }

    /**
     * Cancel an upload and release its slot, also while it is being processed. First cancel the coroutine that sends
     * it.
     *
     * @param owner the owner, if the tokens depend on it.
     * @throws BrokerException.NotFound there is no such upload.
     */
    public suspend fun cancel(uploadId: String, owner: Owner? = null) {
        journal?.forget(uploadId)
        api.about(owner).answer("DELETE", "/api/uploads/$uploadId/")
    }

    /**
     * Cancel the upload of a file that the journal knows, and release its slot. For an app that has not been told the
     * upload's id: the answer to the ticket request may have been lost. First cancel the coroutine that sends it.
     */
    public suspend fun cancel(source: Source, owner: Owner) {
        val about = api.about(owner)
        journal?.withRecord(identityOf(owner, DeclaredFile.read(source))) { record ->
            val entry = record.stored() ?: return@withRecord
            val id = entry.uploadId ?: about.requestTicket(owner, entry.request, entry.idempotencyKey).id
            about.answer("DELETE", "/api/uploads/$id/")
            record.delete()
        }
    }

    /** Upload or resume a file. Without a timeout, do not wait for its image. */
    private suspend fun start(
        source: Source,
        owner: Owner,
        altText: String,
        order: Int?,
        onProgress: (Progress) -> Unit,
        timeout: Duration?,
    ): Upload {
        val file = DeclaredFile.read(source)
        val about = api.about(owner)
        val steps: suspend (UploadRecord) -> Upload = { record ->
            val recorded = Delivery(about, file, onProgress).deliver(record, owner) {
                declared(file, owner, altText, order, transports.of(about, owner, file.size))
            }
            val upload = try {
                if (timeout == null) recorded.upload else about.awaitImage(recorded, timeout)
            } catch (error: BrokerException) {
                if (about.policy.decide(Step.END, Failure.of(error)) != Decision.KEEP) record.delete()
                throw error
            }
            record.delete()
            upload
        }
        return journal?.withRecord(identityOf(owner, file), steps) ?: steps(UnstoredRecord())
    }

    private fun identityOf(owner: Owner, file: DeclaredFile) = "${api.baseUrl}\n$owner\n${file.checksum}"

    /** Wait for the image of an upload that the journal may know too. */
    private suspend fun published(about: Api, recorded: Recorded): Image {
        val upload = about.awaitImage(recorded, processingTimeout)
        journal?.forget(upload.id)
        return imageOf(upload)
    }

    private fun imageOf(upload: Upload): Image = checkNotNull(upload.image)
}
