package uploadbroker

/** Adds up one upload's bytes over all its requests, and calls the app. The app is never called twice at a time. */
internal class Meter(val uploadId: String, private val total: Long, private val onProgress: (Progress) -> Unit) {
    private var sent = 0L

    /** Report the upload's id, before its first byte is sent. */
    fun begin() = show(Progress.Phase.SENDING)

    fun count(bytes: Long) = synchronized(this) {
        sent += bytes
        if (bytes != 0L) show(Progress.Phase.SENDING)
    }

    /** Subtract bytes that must be sent again. */
    fun takeBack(bytes: Long) = count(-bytes)

    /** Report that the broker inspects the file. */
    fun process() = synchronized(this) {
        sent = total
        show(Progress.Phase.PROCESSING)
    }

    private fun show(phase: Progress.Phase) = onProgress(Progress(uploadId, sent, total, phase))
}
