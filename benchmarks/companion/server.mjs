// A minimal Uppy Companion in production mode: only the open `GET /s3/params`, without sessions,
// access log or Redis. It is configured by environment variables.
import * as companion from '@uppy/companion'
import express from 'express'

const { PORT, S3_ENDPOINT, S3_BUCKET, S3_KEY, S3_SECRET, S3_REGION, FILE_PATH, SECRET } = process.env
const host = `127.0.0.1:${PORT}`

const app = express()
app.disable('x-powered-by')
app.get('/healthz', (_request, response) => response.json({ status: 'ok' }))
const { app: uploads } = companion.app({
  server: { host, protocol: 'http' },
  filePath: FILE_PATH,
  secret: SECRET,
  corsOrigins: [process.env.PAGE_ORIGIN || `http://${host}`],
  uploadUrls: [`http://${host}`],
  metrics: false,
  s3: {
    key: S3_KEY,
    secret: S3_SECRET,
    bucket: S3_BUCKET,
    region: S3_REGION,
    endpoint: S3_ENDPOINT,
    forcePathStyle: true,
    expires: 300,
  },
})
app.use(uploads)
app.listen(Number(PORT), '127.0.0.1')
