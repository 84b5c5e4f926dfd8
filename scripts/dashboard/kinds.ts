/*
 * The kinds of panels of the Grafana dashboard. Series that are 0 are left out: every cause has one.
 */

export interface Query {
  expr: string
  /** Text of the legend, with labels in double braces. */
  legend: string
}

export interface Panel {
  title: string
  /** What it shows, and what to make of it. */
  description: string
  type: 'timeseries' | 'stat'
  /** A unit of Grafana. */
  unit: string
  /** Columns of 24. */
  width: number
  queries: Query[]
  /** Upper end of the axis. */
  most?: number
  stacked?: boolean
  /** Colours of a number from these values on. */
  steps?: Array<{ from: number, color: string, below?: string }>
}

export interface Row {
  title: string
  height: number
  panels: Panel[]
}

/** Selects the bridges that were chosen at the top of the page. */
const OF = 'namespace=~"$namespace",job=~"$job"'
export const sel = (labels = ''): string => `{${OF}${labels && `,${labels}`}}`

/** Events of a counter a minute, by labels. */
export const perMinute = (metric: string, by: string, labels = ''): string =>
  `sum by (${by}) (rate(${metric}${sel(labels)}[$__rate_interval])) * 60 > 0`

export const perSecond = (metric: string, by: string, labels = ''): string =>
  `sum by (${by}) (rate(${metric}${sel(labels)}[$__rate_interval])) > 0`

const legendOf = (by: string): string => by.split(', ').map(label => `{{${label}}}`).join(' ')

export const quantile = (q: number, metric: string, by = 'le', labels = ''): string =>
  `histogram_quantile(${q}, sum by (${by}) (rate(${metric}_bucket${sel(labels)}[$__rate_interval])))`

export function counts (title: string, description: string, metric: string, by: string, labels = ''): Panel {
  return {
    title,
    description,
    type: 'timeseries',
    unit: 'cpm',
    width: 12,
    stacked: true,
    queries: [{ expr: perMinute(metric, by, labels), legend: legendOf(by) }]
  }
}

export function percentiles (title: string, description: string, metric: string, width = 12): Panel {
  return {
    title,
    description,
    type: 'timeseries',
    unit: 's',
    width,
    queries: [0.5, 0.95, 0.99].map(q => ({ expr: quantile(q, metric), legend: `p${q * 100}` }))
  }
}

/** Times by a label with few values. */
export function percentilesBy (title: string, description: string, metric: string, by: string): Panel {
  return {
    title,
    description,
    type: 'timeseries',
    unit: 's',
    width: 12,
    queries: [0.5, 0.99].map(q => ({ expr: quantile(q, metric, `le, ${by}`), legend: `${legendOf(by)} p${q * 100}` }))
  }
}

export function slowest (title: string, description: string, metric: string, by: string): Panel {
  return {
    title,
    description,
    type: 'timeseries',
    unit: 's',
    width: 12,
    queries: [{ expr: quantile(0.95, metric, `le, ${by}`), legend: legendOf(by) }]
  }
}

export function gauge (title: string, description: string, unit: string, queries: Query[], width = 12): Panel {
  return { title, description, type: 'timeseries', unit, width, queries }
}
