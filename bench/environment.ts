/*
 * What everybody in a run agrees on. Made up; nothing leaves this machine.
 */

export const WEBHOOK_SECRET = 'bench-webhook-secret'
export const API_KEY = 'benchkey'
export const API_SECRET = 'bench-api-secret-bench-api-secret-bench'
export const OPERATOR_TOKEN = 'bench-operator-token-bench'
export const AGENT = 'bench-agent'
export const ROOM_PREFIX = 'jambonz'
export const SIP_HOST = 'sip.example.com'

/** What the processes beside the bridge read from their environment. */
export const port = (): number => Number(process.env.PORT)
export const livekitUrl = (): string => process.env.LIVEKIT_URL!
