import { endOf } from '../../calls/fold/end.ts'
import { CATALOGUE } from '../../diagnosis/causes-catalogue.ts'
import { stepsFor } from '../../diagnosis/diagnose.ts'
import type { Finding } from '../../finding.ts'
import type { ExplainedCall } from '../explanation.ts'
import { causeFinding, stepsUnseen } from '../findings/cause.ts'
import { missingHooks } from '../findings/hooks.ts'
import { judgeMediaServer } from '../findings/media-server.ts'
import { mergeFindings } from '../findings/merge.ts'
import { judgeRooms, type RoomVerdict } from '../findings/room-story.ts'
import { baseOf, findingsOfParts, type CallParts, type FileFacts } from './call-parts.ts'

const ROOM_ONLY: Finding = {
  code: 'room-only',
  severity: 'skipped',
  seen: "Only LiveKit's events of a room are in these files: they do not show how the SIP leg ended.",
  todo: "Add the SIP capture or Jambonz's webhooks of the same call"
}

/** Explains a call of which neither a leg of the caller or to LiveKit nor a hook was seen: by logs and room events. */
export function explainPartial (parts: CallParts, files: FileFacts): ExplainedCall {
  const { logged, recorded, rooms, hooks, legs, naming } = parts
  // livekit-server's lines alone do not show that a caller waited.
  const cause = logged.cause === 'no-agent' && rooms.length === 0 ? undefined : logged.cause
  const inRoom: RoomVerdict = hooks.length === 0 && legs.length === 0 ? judgeRooms(rooms) : { findings: [] }
  const inside = judgeMediaServer(legs)
  const known = (cause && endOf(cause)) ?? recorded.end ?? inRoom.end
  const end = known ?? inside.end
  const meaning = (cause && logged.meaning) ?? (end ? CATALOGUE[end.cause].meaning : '')
  // What happened in the room says more than what the cause means.
  const toldByRoom = known === inRoom.end ? inRoom.findings.filter(({ code }) => code === known?.cause) : []
  // The steps of the cause are about all that it may mean, and those of the line about what it says.
  const ofLine: Finding | undefined = cause && logged.meaning !== undefined && logged.todo !== undefined
    ? { code: cause, severity: CATALOGUE[cause].severity, seen: logged.meaning, todo: logged.todo }
    : undefined
  const findings = mergeFindings([
    ...toldByRoom,
    ...known && toldByRoom.length === 0 ? [ofLine ?? causeFinding(known, meaning, naming)] : [],
    ...logged.findings,
    ...inRoom.findings.filter(finding => !toldByRoom.includes(finding)),
    ...findingsOfParts(parts, files),
    ...inside.findings,
    ...rooms.length > 0 && !end && inRoom.findings.length === 0 ? [ROOM_ONLY] : [],
    ...missingHooks(hooks, legs)
  ])
  const base = baseOf(parts)
  return {
    ...base,
    from: base.from || inRoom.from || '',
    to: base.to || inRoom.to || '',
    ...(end && { end }),
    summary: findings[0]?.seen ?? '',
    nextSteps: end ? stepsUnseen(end, stepsFor(end), naming) : [],
    findings
  }
}
