/** One end of a UDP flow or TCP connection. */
export interface Endpoint {
  address: string
  port: number
}

export const endpointText = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
