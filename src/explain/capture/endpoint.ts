/** One end of a UDP flow or TCP connection. Port 0: a text names the address alone. */
export interface Endpoint {
  address: string
  port: number
}

export function endpointText ({ address, port }: Endpoint): string {
  if (port === 0) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
