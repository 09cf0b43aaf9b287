// Uploads a photo through the types that openapi-typescript makes of /openapi.json, and prints the
// public URL of its image. Arguments: the broker's URL, a token, the photo's path, a transport.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { argv } from 'node:process'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

type Ticket = components['schemas']['Ticket']

const [broker, token, path, transport] = argv.slice(2) as [string, string, string, 'post' | 'put']
const headers = { Authorization: `Bearer ${token}` }
const client = createClient<paths>({ baseUrl: broker, headers })
const bytes = new Uint8Array(await readFile(path))

function made<Data>(answer: { data?: Data; error?: { code: string; detail: string } }): Data {
  if (answer.error !== undefined) throw new Error(`${answer.error.code}: ${answer.error.detail}`)
  return answer.data as Data
}

async function send(upload: Ticket['upload']): Promise<Response> {
  switch (upload.method) {
    case 'POST': {
      const form = new FormData()
      for (const [name, value] of Object.entries(upload.fields)) form.append(name, value)
      form.append('file', new Blob([bytes]))
      return await fetch(upload.url, { method: 'POST', body: form })
    }
    case 'PUT':
      return await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: bytes })
    case 'MULTIPART':
      throw new Error(`a photo of ${upload.part_count} parts`)
  }
}

const ad = made(await client.POST('/api/ads/', { body: { title: 'A bicycle', price: '850.00' } }))
const ticket = made(
  await client.POST('/api/ads/{ad_id}/upload_image/', {
    params: { path: { ad_id: ad.id } },
    body: {
      transport,
      file_name: 'front view.jpg',
      content_type: 'image/jpeg',
      size: bytes.length,
      checksum_sha256: createHash('sha256').update(bytes).digest('base64'),
    },
  }),
)
const confirming = { params: { path: { upload_id: ticket.id } } }

const early = await client.POST('/api/uploads/{upload_id}/confirm/', confirming)
// @ts-expect-error: a confirm never answers with this code
if (early.error?.code === 'image_limit_reached') throw new Error('no place is taken by a confirm')
if (early.error?.code !== 'object_missing') throw new Error('confirmed before it was sent')

const sent = await send(ticket.upload)
if (!sent.ok) throw new Error(`the bucket answered ${sent.status}: ${await sent.text()}`)
// 200 with the image, or 202 with the upload until a worker has inspected the photo.
let confirmed = made(await client.POST('/api/uploads/{upload_id}/confirm/', confirming))
while ('state' in confirmed) {
  await new Promise((done) => setTimeout(done, 1000))
  confirmed = made(await client.POST('/api/uploads/{upload_id}/confirm/', confirming))
}
console.log(confirmed.image_url)
