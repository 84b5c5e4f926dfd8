import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Finding } from '../finding.ts'
import { checkSipHost } from '../livekit/sip-host.ts'
import { isPrivate } from '../probe/address.ts'
import { networkErrorFinding } from '../probe/network-error.ts'
import { readTarget } from '../probe/target.ts'
import type { Check } from './check.ts'

/** LIVEKIT_SIP_HOST is the setting that most often costs days: its form, and whether it has an address. */
export const sipHostCheck: Check = {
  name: 'sip-host',
  title: "Can LIVEKIT_SIP_HOST be the project's SIP host, and does it have an address?",
  readOnly: true,
  limitMs: 12_000,
  async run ({ settings }) {
    const form = checkSipHost(settings)
    const { host } = readTarget(settings.LIVEKIT_SIP_HOST)
    return [form, ...await addressFinding(host)]
  }
}

async function addressFinding (host: string): Promise<Finding[]> {
  if (isIP(host) !== 0) return [found(host, [host])]
  try {
    return [found(host, (await lookup(host, { all: true })).map(({ address }) => address))]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return [networkErrorFinding({ code: code ?? '', message: '' }, { host, sent: false, status: 503 })]
  }
}

function found (host: string, addresses: string[]): Finding {
  const inner = addresses.every(isPrivate)
  return {
    code: 'sip-host-address',
    severity: 'ok',
    seen: `${
      addresses.includes(host)
        ? `${host} is an address`
        : `${host} has the address${addresses.length === 1 ? '' : 'es'} ${addresses.join(', ')}`
    }${inner ? ', which is valid only within its own network: Jambonz must be in it too' : ''}`
  }
}
