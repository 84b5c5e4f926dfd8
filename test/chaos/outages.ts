import type { JambonzDouble } from '../../src/sandbox/jambonz.ts'
import type { ApiFault, LiveKitDouble } from '../../src/sandbox/livekit.ts'
import type { Fates, Outage } from './faults.ts'

interface Servers {
  livekit: LiveKitDouble
  jambonz: JambonzDouble
  fates: Fates
}

/** Something is down as a whole, or up again. */
export function setOutage (what: Outage, begins: boolean, { livekit, jambonz, fates }: Servers): void {
  const { faults } = livekit
  switch (what) {
    case 'api-refuses':
      faults.api = begins ? 'refuse' : 'ok'
      break
    case 'api-hangs':
      faults.api = begins ? 'hang' : 'ok'
      break
    case 'api-fails':
      faults.api = begins ? 'fail' : 'ok'
      break
    case 'api-replies-lost':
      faults.api = begins ? 'lost' : 'ok'
      break
    case 'no-webhooks':
      faults.webhooks = begins ? 'off' : 'ok'
      break
    case 'sip-overloaded':
      faults.sip = begins ? 'overloaded' : 'ok'
      break
    case 'sip-mute':
      faults.sip = begins ? 'mute' : 'ok'
      break
    case 'all-down':
      faults.api = begins ? 'hang' : 'ok'
      faults.sip = begins ? 'mute' : 'ok'
      faults.webhooks = begins ? 'off' : 'ok'
      break
    case 'bridge-unreachable':
      if (begins) fates.down.add('hook').add('webhook').add('agent')
      else fates.down.clear()
      break
    case 'no-hooks':
      if (begins) fates.down.add('hook')
      else fates.down.clear()
      break
    case 'delete-not-found':
      failDeletes(begins ? 'not-found' : 'ok')
      break
    case 'delete-no-object':
      failDeletes(begins ? 'no-object' : 'ok')
      break
    case 'delete-no-server':
      failDeletes(begins ? 'no-server' : 'ok')
      break
    case 'workers-loaded':
      faults.workers = begins ? 'loaded' : 'ok'
      break
    case 'stale-after-cancel':
      jambonz.faults.staleAfterCancel = begins
      break
    case 'no-media-server':
      jambonz.faults.noMediaServer = begins
      break
    case 'slow-media':
      jambonz.faults.mediaDelayMs = begins ? 1500 : 0
      break
  }

  function failDeletes (fault: ApiFault): void {
    if (fault === 'ok') delete faults.apiMethods.DeleteRoom
    else faults.apiMethods.DeleteRoom = fault
  }
}
