import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { project } from '../test/fixtures/paths.ts'
import type { Panel, Row } from './dashboard/kinds.ts'
import { ROWS_OF_CALLS } from './dashboard/of-calls.ts'
import { ROWS_OF_SYSTEMS } from './dashboard/of-systems.ts'

/*
 * Makes the Grafana dashboard: deploy/grafana/bridge.json. With --check it only reports whether that is up to date.
 */

export const DASHBOARD = 'deploy/grafana/bridge.json'

const COLUMNS = 24
/** Of the variable, in the notation that Grafana needs within a name. */
const DATASOURCE = { type: 'prometheus', uid: '$' + '{datasource}' }

/** A list of values of a label, for the top of the page. Outside of Kubernetes there is no label `namespace`. */
const labelVariable = (name: string, query: string): object => ({
  name,
  type: 'query',
  label: name,
  datasource: DATASOURCE,
  definition: query,
  query: { query, refId: name },
  refresh: 2,
  sort: 1,
  includeAll: true,
  multi: true,
  allValue: '.*',
  current: { selected: true, text: ['All'], value: ['$__all'] }
})

const VARIABLES = [
  { name: 'datasource', type: 'datasource', label: 'data source', query: 'prometheus', current: {}, hide: 0 },
  labelVariable('namespace', 'label_values(bridge_build_info, namespace)'),
  labelVariable('job', 'label_values(bridge_build_info{namespace=~"$namespace"}, job)')
]

const OPTIONS = {
  timeseries: {
    legend: { displayMode: 'table', placement: 'right', showLegend: true, calcs: ['lastNotNull', 'max'] },
    tooltip: { mode: 'multi', sort: 'desc' }
  },
  stat: {
    colorMode: 'value',
    graphMode: 'area',
    textMode: 'value_and_name',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }
  }
}

function drawn ({ type, stacked }: Panel): object {
  if (type !== 'timeseries') return {}

  return stacked
    ? { drawStyle: 'bars', fillOpacity: 80, lineWidth: 0, stacking: { mode: 'normal', group: 'A' } }
    : { drawStyle: 'line', fillOpacity: 8, lineWidth: 2, showPoints: 'never', spanNulls: false }
}

const stepsOf = (steps: Panel['steps'] = []): object[] =>
  [{ color: steps[0]?.below ?? 'text', value: null }, ...steps.map(({ from, color }) => ({ color, value: from }))]

function panelOf (panel: Panel, id: number, gridPos: object): object {
  const { title, description, type, unit, queries, most, steps } = panel

  return {
    id,
    type,
    title,
    description,
    gridPos,
    datasource: DATASOURCE,
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      editorMode: 'code',
      expr,
      legendFormat: legend,
      range: true
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(most === undefined ? {} : { max: most }),
        color: { mode: type === 'stat' ? 'thresholds' : 'palette-classic' },
        thresholds: { mode: 'absolute', steps: stepsOf(steps) },
        custom: drawn(panel)
      },
      overrides: []
    },
    options: OPTIONS[type]
  }
}

const rowOf = (title: string, id: number, y: number): object =>
  ({ id, type: 'row', title, collapsed: false, gridPos: { h: 1, w: COLUMNS, x: 0, y }, panels: [] })

/** Rows of panels from the left to the right, each row with its title above. */
function laidOut (rows: readonly Row[]): object[] {
  const panels: object[] = []
  let y = 0
  for (const { title, height, panels: ofRow } of rows) {
    panels.push(rowOf(title, panels.length + 1, y))
    y += 1
    let x = 0
    for (const panel of ofRow) {
      if (x + panel.width > COLUMNS) {
        x = 0
        y += height
      }
      panels.push(panelOf(panel, panels.length + 1, { h: height, w: panel.width, x, y }))
      x += panel.width
    }
    y += height
  }
  return panels
}

/** The dashboard as Grafana 10 and later import it. */
export const dashboard = (): string =>
  JSON.stringify({
    uid: 'jambonz-livekit-bridge',
    title: 'Jambonz LiveKit bridge',
    description: 'Calls between Jambonz and LiveKit: whether they are answered, why not, and how long people wait',
    tags: ['jambonz', 'livekit', 'voice'],
    schemaVersion: 38,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: { list: VARIABLES },
    annotations: { list: [] },
    links: [],
    panels: laidOut([...ROWS_OF_CALLS, ...ROWS_OF_SYSTEMS])
  }, null, 2) + '\n'

function main (): void {
  const made = dashboard()
  if (!process.argv.includes('--check')) {
    writeFileSync(project(DASHBOARD), made)
  } else if (readFileSync(project(DASHBOARD), 'utf8') !== made) {
    console.error(`${DASHBOARD} is not up to date with scripts/dashboard. Run: npm run docs`)
    process.exitCode = 1
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main()
