import { request } from 'undici'

/** Sends a POST and rejects when there is no reply. */
export type Post = (
  url: string,
  options: { headers: Record<string, string>, body: string, signal: AbortSignal }
) => Promise<{ status: number, text(): Promise<string> }>

/** Does not use fetch, whose streams cost more than everything else here. */
export const undiciPost: Post = async (url, options) => {
  const { statusCode, body } = await request(url, { method: 'POST', ...options })
  return { status: statusCode, text: () => body.text() }
}
