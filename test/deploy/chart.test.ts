import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { loadSettings } from '../../src/config.ts'
import { SettingsSchema } from '../../src/settings-schema.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import {
  chartPath,
  example,
  helm,
  KUBERNETES,
  kubernetesValidate,
  missingTools,
  refusal,
  render,
  type Rendered,
  type Values
} from '../fixtures/chart.ts'
import { project } from '../fixtures/paths.ts'
import { readPromql } from '../fixtures/promql.ts'

interface Property {
  type?: string
  default?: unknown
  description?: string
  examples?: unknown[]
}
interface Alert {
  alert: string
  expr: string
  labels: Record<string, string>
  annotations: Record<string, string>
}
interface Endpoint {
  tags: string[]
}

const read = (path: string) => readFileSync(project(path), 'utf8')
const chart = (path: string) => readFileSync(join(chartPath, path), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }
const settings = SettingsSchema.properties as unknown as Record<string, Property>
const schema = JSON.parse(chart('values.schema.json')) as {
  properties: Record<'settings' | 'secrets', { properties: Record<string, Property> }>
}
const plain = schema.properties.settings.properties
const secret = schema.properties.secrets.properties
/** What only LiveKit, Jambonz and operators may know. */
const SECRETS = [
  'LIVEKIT_API_KEY',
  'LIVEKIT_API_SECRET',
  'LIVEKIT_SIP_USERNAME',
  'LIVEKIT_SIP_PASSWORD',
  'JAMBONZ_WEBHOOK_SECRET',
  'HTTP_USERNAME',
  'HTTP_PASSWORD',
  'JAMBONZ_API_KEY',
  'CALLERS',
  'EVENTS_URL',
  'EVENTS_SECRET',
  'OPERATOR_TOKEN',
  'VIEWER_TOKEN',
  'REDIS_URL'
]
const paths = (JSON.parse(read('openapi.json')) as { paths: Record<string, Record<string, Endpoint>> }).paths
const hooks = Object.keys(paths).filter(path =>
  Object.values(paths[path] ?? {}).some(({ tags }) => tags.includes('jambonz') || tags.includes('livekit'))
).sort()

await t.test('the chart takes every setting of the bridge, each at one place, with the same limits', async t => {
  t.same(
    [...Object.keys(plain), ...Object.keys(secret), 'PORT'].sort(),
    Object.keys(settings).sort(),
    'a new setting goes into settings or secrets of values.schema.json and values.yaml'
  )
  t.same(Object.keys(secret), SECRETS)
  for (const [name, property] of Object.entries({ ...plain, ...secret })) {
    const { default: _default, description: _description, examples: _examples, ...limits } = JSON.parse(
      JSON.stringify(settings[name] ?? {})
    ) as Property
    t.same(property, limits, name)
    t.match(chart('values.yaml'), new RegExp(`^  # ${name}: `, 'm'), `values.yaml shows ${name}`)
  }
})

await t.test("values.yaml names the bridge's own defaults", async t => {
  const shown = Object.fromEntries(
    [...chart('values.yaml').matchAll(/^ {2}# ([A-Z_]+): (\S+)/gm)].map(match => [match[1], match[2]])
  )
  for (const name of Object.keys(plain)) {
    if (settings[name]?.default !== undefined) t.equal(shown[name], String(settings[name].default), name)
  }
})

await t.test('the chart is of this version', async t => {
  const { appVersion, kubeVersion } = parse(chart('Chart.yaml')) as Record<string, string>
  t.equal(appVersion, version)
  for (const text of [chart('values.yaml'), read('docs/kubernetes.md')]) {
    for (const [, tag] of text.matchAll(/jambonz-livekit-bridge:(\d[\w.-]*)/g)) t.equal(tag, version, 'the tag to build')
  }
  t.equal(kubeVersion, `>=${KUBERNETES[0]}.0-0`)
})

const minimal = example('minimal')
const production = example('production')
const existingSecret = example('existing-secret')
const routes = example('routes')
/** Every value that adds something to a manifest. */
const everything = example('production', {
  settings: {
    SHUTDOWN_TIMEOUT_S: 40.5,
    DRAIN_DELAY_S: 0,
    CALL_RETENTION_S: 1000000,
    RINGBACK_TONE: '',
    LIVEKIT_SIP_SRTP: true,
    PUBLIC_URL: 'https://voice.example.com:8443/bridge//'
  },
  fullnameOverride: 'phone',
  imagePullSecrets: [{ name: 'registry' }],
  autoscaling: {
    metrics: [{
      type: 'Pods',
      pods: { metric: { name: 'http_requests_per_second' }, target: { type: 'AverageValue', averageValue: '50' } }
    }]
  },
  podDisruptionBudget: { maxUnavailable: '34%' },
  preStopSeconds: 20,
  containerPort: 8080,
  service: { port: 8000, annotations: { a: 'b' } },
  ingress: { stripPrefix: 'ingress-nginx', tls: { secretName: 'voice' } },
  metrics: {
    prometheusRule: {
      selector: 'app="phone"',
      additionalLabels: { team: 'voice' },
      minimumAnswerRate: 0.9,
      minimumCalls: 25,
      tolerated: 7,
      runbooks: 'https://git.example.com/bridge/'
    },
    dashboard: { enabled: true, annotations: { grafana_folder: 'Voice' } }
  },
  serviceAccount: { create: true, name: 'phone-account', annotations: { a: 'b' } },
  podAnnotations: { a: 'b' },
  podLabels: { tier: 'voice' },
  priorityClassName: 'high',
  nodeSelector: { zone: 'a' },
  tolerations: [{ key: 'voice', operator: 'Exists' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'arch', operator: 'In', values: ['arm64'] }] }]
      }
    }
  },
  topologySpreadConstraints: [{
    maxSkew: 1,
    topologyKey: 'rack',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { tier: 'voice' } }
  }],
  extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/ca/ca.pem' }],
  extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/ca', readOnly: true }]
})

if (missingTools.length > 0) {
  const reason = `not installed: ${missingTools.join(', ')}; .ci/chart-tools installs them`
  if (process.env.REQUIRE_CHART_TOOLS === '1') t.fail(reason)
  else t.pass('rendering', { skip: reason })
} else {
  const rendered = {
    minimal: await render(minimal),
    production: await render(production),
    existingSecret: await render(existingSecret),
    everything: await render(everything),
    routes: await render(routes)
  }

  await t.test('helm lint has nothing to say, with each of the examples', async t => {
    for (
      const outcome of await Promise.all([minimal, production, existingSecret, routes].map(values =>
        helm(['lint', '--strict', '--kube-version', KUBERNETES[0]!, chartPath], values)
      ))
    ) {
      t.equal(outcome.code, 0, outcome.stdout)
      t.notMatch(outcome.stdout, /WARNING|ERROR/)
    }
  })

  await t.test("every manifest fits Kubernetes' own schemas, oldest and newest", async t => {
    const all = Object.values(rendered)
    const [outcome, wrong] = await Promise.all([
      kubernetesValidate(all.map(({ text }) => text).join('\n')),
      kubernetesValidate(rendered.minimal.text.replace('replicas:', 'replica:'))
    ])
    const lines = (level: string) => outcome.stdout.split('\n').filter(line => line.startsWith(level))
    t.equal(outcome.code, 0, outcome.stdout)
    t.same(lines('ERROR'), [])
    for (const line of lines('WARN')) {
      t.match(line, /find schema for kind (ServiceMonitor|PrometheusRule)/, 'only those that others define')
    }
    const known = all.flatMap(({ manifests }) => manifests).filter(({ apiVersion }) =>
      !apiVersion.startsWith('monitoring.')
    )
    t.equal(lines('INFO').length, known.length * KUBERNETES.length, 'each was looked at')
    t.match(wrong.stdout, /ERROR .*replica/, 'and a wrong one would have been found')
  })

  await t.test('each has the manifests that it should, and no more', async t => {
    const always = ['ConfigMap', 'Deployment', 'Service', 'ServiceAccount']
    t.same(rendered.minimal.kinds, [...always, 'Secret'].sort())
    t.same(
      rendered.production.kinds,
      [
        ...always,
        'Secret',
        'HorizontalPodAutoscaler',
        'Ingress',
        'NetworkPolicy',
        'PodDisruptionBudget',
        'PrometheusRule',
        'ServiceMonitor'
      ].sort()
    )
    t.same(rendered.existingSecret.kinds, [...always, 'Ingress', 'PodDisruptionBudget'].sort())
    t.same(rendered.routes.kinds, [...always, 'Secret', 'ConfigMap', 'PodDisruptionBudget'].sort())
    for (const { manifests } of Object.values(rendered)) {
      for (const { metadata } of manifests) {
        t.match(metadata.labels, {
          'app.kubernetes.io/instance': 'bridge',
          'app.kubernetes.io/name': 'jambonz-livekit-bridge'
        }, metadata.name)
      }
    }
  })

  await t.test('the bridge takes the environment that it gets', async t => {
    const own = loadSettings(rendered.minimal.environment())
    t.match(own, {
      PORT: 3000,
      PUBLIC_URL: 'https://bridge.example.com',
      JAMBONZ_WEBHOOK_SECRET: 'wh_secret_abc',
      DRAIN_DELAY_S: 1
    })
    t.match(loadSettings(rendered.production.environment()), {
      FALLBACK_NUMBER: '+15551230009',
      AGENT_METADATA: '{"tenant":"acme"}',
      REDIS_URL: 'redis://:password@redis.databases.svc:6379/0'
    })
    t.match(loadSettings(rendered.everything.environment()), {
      PORT: 8080,
      CALL_RETENTION_S: 1000000,
      RINGBACK_TONE: '',
      LIVEKIT_SIP_SRTP: true,
      SHUTDOWN_TIMEOUT_S: 40.5,
      DRAIN_DELAY_S: 0
    })
    t.equal(rendered.everything.named('ConfigMap', 'phone').data?.CALL_RETENTION_S, '1000000', 'not 1e+06')
    loadSettings(
      rendered.existingSecret.environment({
        LIVEKIT_API_KEY: 'k',
        LIVEKIT_API_SECRET: 's',
        JAMBONZ_WEBHOOK_SECRET: 'w'
      })
    )
  })

  await t.test('secrets are in the Secret only', async t => {
    for (const [name, values] of Object.entries({ minimal, production, everything })) {
      const { manifests, container } = rendered[name as 'minimal']
      const values64 = Object.values(values.secrets as Record<string, string>).map(
        value => [value, Buffer.from(value).toString('base64')]
      ).flat()
      const others = JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'))
      for (const value of values64.filter(value => value !== 'jambonz')) {
        t.notOk(others.includes(`"${value}"`) || others.includes(`:${value}@`), `${name}: ${value} is nowhere else`)
      }
      for (const { data = {} } of manifests.filter(({ kind }) => kind === 'ConfigMap')) {
        for (const key of Object.keys(data)) t.notOk(SECRETS.includes(key), key)
      }
      t.same(container.envFrom.map((from: any) => Object.keys(from)[0]), ['configMapRef', 'secretRef'])
    }
    const { container } = rendered.existingSecret
    t.same(container.envFrom[1], { secretRef: { name: 'bridge' } })
    t.match(container.env, [{ name: 'PORT', value: '3000' }, {
      name: 'REDIS_URL',
      valueFrom: { secretKeyRef: { name: 'redis-credentials', key: 'url' } }
    }])
  })

  await t.test('nothing in the pod is more than it needs', async t => {
    for (const [name, { pod, container, manifests }] of Object.entries(rendered)) {
      t.match(pod.securityContext, {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' }
      }, name)
      t.same(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] }
      })
      t.equal(pod.automountServiceAccountToken, false)
      t.equal(pod.enableServiceLinks, false)
      const account = manifests.find(({ kind }) => kind === 'ServiceAccount')
      t.equal(account?.metadata.name, pod.serviceAccountName)
      t.equal(account?.automountServiceAccountToken, false)
      t.ok(container.resources.requests.cpu && container.resources.requests.memory && container.resources.limits.memory)
      t.notOk(container.resources.limits.cpu)
    }
    t.match(
      read('Dockerfile'),
      new RegExp(`^USER ${rendered.minimal.pod.securityContext.runAsUser}:`, 'm'),
      "the image's own user"
    )
  })

  await t.test('probes ask what the bridge answers, and a LiveKit that is down restarts nothing', async t => {
    for (const { container } of Object.values(rendered)) {
      const probes = { startupProbe: '/health/live', livenessProbe: '/health/live', readinessProbe: '/health/ready' }
      for (const [probe, path] of Object.entries(probes)) {
        t.same(container[probe].httpGet, { path, port: 'http' })
        t.ok(paths[path]?.get, path)
      }
      t.same(container.ports, [{ name: 'http', containerPort: Number(container.env[0].value) }])
    }
  })

  await t.test('the kubelet never kills before the bridge has ended', async t => {
    const grace = ({ pod, container }: Rendered) => ({
      grace: pod.terminationGracePeriodSeconds as number,
      preStop: (container.lifecycle?.preStop.sleep.seconds ?? 0) as number
    })
    for (const one of Object.values(rendered)) {
      const { SHUTDOWN_TIMEOUT_S: shutdown } = loadSettings(
        one.environment({ LIVEKIT_API_KEY: 'k', LIVEKIT_API_SECRET: 's', JAMBONZ_WEBHOOK_SECRET: 'w' })
      )
      const { grace: seconds, preStop } = grace(one)
      t.ok(seconds > shutdown + preStop, `${seconds} > ${shutdown} + ${preStop}`)
    }
    t.same(grace(rendered.minimal), { grace: 30, preStop: 0 }, 'nobody takes over: no wait')
    t.same(grace(rendered.production), { grace: 35, preStop: 5 })
    t.same(grace(rendered.everything), { grace: 66, preStop: 20 })
    t.same(grace(await render(example('production', { preStopSeconds: 0 }))), { grace: 30, preStop: 0 })
  })

  await t.test('without Redis there is never a second process', async t => {
    const { spec } = rendered.minimal.one('Deployment')
    t.equal(spec.replicas, 1)
    t.same(spec.strategy, { type: 'Recreate' })
    t.notOk(spec.template.spec.topologySpreadConstraints)
  })

  await t.test('with Redis a replica goes when the next one is ready', async t => {
    for (const one of [rendered.production, rendered.existingSecret]) {
      const { spec } = one.one('Deployment')
      t.same(spec.strategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } })
      t.equal(spec.template.spec.topologySpreadConstraints.length, 2)
      t.equal(one.one('PodDisruptionBudget').spec.maxUnavailable, 1)
    }
    t.equal(rendered.existingSecret.one('Deployment').spec.replicas, 2)
    t.notOk('replicas' in rendered.production.one('Deployment').spec, 'the autoscaler decides')
    t.match(rendered.production.one('HorizontalPodAutoscaler').spec, {
      minReplicas: 2,
      maxReplicas: 6,
      scaleTargetRef: { name: rendered.production.one('Deployment').metadata.name }
    })
    const single = await render(example('production', { autoscaling: { enabled: false } }))
    t.notOk(single.find('PodDisruptionBudget'), "a budget would keep the only replica's node from being drained")
    t.equal(single.one('Deployment').spec.strategy.type, 'RollingUpdate')
  })

  await t.test('the internet reaches the hooks and nothing else', async t => {
    t.equal(hooks.length, 11)
    const { spec } = rendered.production.one('Ingress')
    t.same(spec.rules.map((rule: any) => rule.host), ['bridge.example.com'])
    t.same(spec.rules[0].http.paths.map((one: any) => one.path).sort(), hooks)
    for (const { pathType, backend } of spec.rules[0].http.paths) {
      t.equal(pathType, 'Exact')
      t.same(backend, { service: { name: rendered.production.one('Service').metadata.name, port: { name: 'http' } } })
    }
    t.same(spec.tls, [{ hosts: ['bridge.example.com'], secretName: 'bridge-jambonz-livekit-bridge-tls' }])
    for (const one of Object.values(rendered)) t.equal(one.one('Service').spec.type, 'ClusterIP')
    const open = await render(
      example('production', {
        settings: { PUBLIC_URL: 'http://bridge.example.com' },
        ingress: { tls: { enabled: false } }
      })
    )
    t.notOk(open.one('Ingress').spec.tls)
  })

  await t.test('a path of PUBLIC_URL is stripped by the ingress', async t => {
    const own = rendered.existingSecret.one('Ingress')
    t.same(own.spec.rules[0].http.paths.map((one: any) => one.path).sort(), hooks.map(path => `/bridge${path}`))
    t.same(own.metadata.annotations, {
      'traefik.ingress.kubernetes.io/router.middlewares': 'voice-strip-bridge@kubernetescrd'
    })

    const { spec, metadata } = rendered.everything.one('Ingress')
    t.equal(spec.rules[0].host, 'voice.example.com')
    t.match(metadata.annotations, {
      'nginx.ingress.kubernetes.io/use-regex': 'true',
      'nginx.ingress.kubernetes.io/rewrite-target': '/$1',
      'cert-manager.io/cluster-issuer': 'letsencrypt'
    })
    t.equal(spec.rules[0].http.paths.length, 1)
    const { path, pathType } = spec.rules[0].http.paths[0]
    t.equal(pathType, 'ImplementationSpecific')
    const pattern = new RegExp(`^${path as string}`)
    for (const hook of hooks) t.equal(`/bridge${hook}`.replace(pattern, '/$1'), hook)
    for (
      const other of [
        '/bridge/calls',
        '/bridge/docs',
        '/bridge/metrics',
        '/bridge/console',
        '/bridge/console/app.js',
        '/bridge/status/x',
        '/bridge/refer-completed',
        '/status',
        '/x/bridge/status'
      ]
    ) t.notMatch(other, pattern)
  })

  await t.test('a change of settings or secrets makes new pods', async t => {
    const annotations = ({ one }: Rendered, of: Rendered) =>
      one.call(of, 'Deployment').spec.template.metadata.annotations as Record<string, string>
    const [before, config, secrets] = await Promise.all([
      rendered.minimal,
      render(example('minimal', { settings: { MAX_CALLS: 7 } })),
      render(example('minimal', { secrets: { OPERATOR_TOKEN: 'another-long-token' } }))
    ])
    const [a, b, c] = [before, config, secrets].map(one => annotations(one!, one!)) as [
      Record<string, string>,
      Record<string, string>,
      Record<string, string>
    ]
    t.not(a['checksum/config'], b['checksum/config'])
    t.equal(a['checksum/secret'], b['checksum/secret'])
    t.not(a['checksum/secret'], c['checksum/secret'])
    t.notOk('checksum/secret' in annotations(rendered.existingSecret, rendered.existingSecret))
  })

  await t.test('routes are a file that the pod sees change', async t => {
    const { container, pod } = rendered.routes
    const file = rendered.routes.environment().ROUTES_FILE!
    const [mount] = container.volumeMounts
    const [volume] = pod.volumes
    t.equal(container.volumeMounts.length, 1)
    t.equal(mount.name, volume.name)
    t.equal(dirname(file), mount.mountPath)
    t.notOk('subPath' in mount, 'such a file would never change')
    t.equal(mount.readOnly, true)

    const { data } = rendered.routes.named('ConfigMap', volume.configMap.name as string)
    t.same(Object.keys(data ?? {}), [basename(file)])
    t.same(parse(data![basename(file)]!), routes.routes, 'what the file says is what the values say')
    t.same(readRoutes(data![basename(file)]!, { secretOf: name => rendered.routes.environment()[name] }).problems, [])
    t.equal(rendered.routes.environment().RETELL_API_KEY, routes.extraSecrets.RETELL_API_KEY)
    for (const name of ['minimal', 'production', 'existingSecret'] as const) {
      t.notOk(rendered[name].container.env.some((env: any) => env.name === 'ROUTES_FILE'), `${name} has no routes`)
    }
  })

  await t.test('a change of the routes makes no new pods', async t => {
    const other = await render(example('routes', { routes: { numbers: ['+4953118054639'] } }))
    t.same(other.one('Deployment'), rendered.routes.one('Deployment'))
    t.notSame(other.manifests, rendered.routes.manifests)
  })

  await t.test('a routes file is taken as it is, with its comments and lines', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'routes-'))
    t.after(() => rmSync(directory, { recursive: true }))
    const text = [
      '  # Nobody but us.',
      '  version: 1',
      '',
      '  policy: { allow: [NO], per_day: 1000000 }',
      '  routes:',
      '    - name: "all: of \'them\'"',
      '      connect: [{ say: "one\\ttwo  " }]   # Norway',
      ''
    ].join('\n')
    writeFileSync(join(directory, 'routes.yaml'), text)
    const { manifests } = await render(minimal, ['--set-file', `routes=${join(directory, 'routes.yaml')}`])
    const [file] = manifests.filter(({ kind, data }) => kind === 'ConfigMap' && data && 'routes.yaml' in data)
    t.equal(file?.data?.['routes.yaml'], text)
  })

  await t.test('Prometheus finds the pods', async t => {
    const monitor = rendered.production.one('ServiceMonitor')
    const service = rendered.production.one('Service')
    t.equal(monitor.apiVersion, 'monitoring.coreos.com/v1')
    t.equal(monitor.metadata.labels.release, 'kube-prometheus-stack')
    t.match(service.metadata.labels, monitor.spec.selector.matchLabels)
    t.same(monitor.spec.namespaceSelector, { matchNames: ['voice'] })
    t.same(monitor.spec.endpoints, [{
      port: service.spec.ports[0].name,
      path: '/metrics',
      interval: '30s',
      scrapeTimeout: '10s'
    }])
    t.ok(paths['/metrics'])
    t.same(service.spec.selector, rendered.production.one('Deployment').spec.selector.matchLabels)
  })

  await t.test('the alerts are about this release, with its thresholds', async t => {
    const rule = rendered.production.one('PrometheusRule')
    t.equal(rule.apiVersion, 'monitoring.coreos.com/v1')
    t.equal(rule.spec.groups.length, 1)
    const [group] = rule.spec.groups as [{ name: string, rules: Alert[] }]
    const { groups: [plain] } = parse(read('deploy/prometheus/alerts.yaml')) as { groups: [{ rules: Alert[] }] }
    t.equal(group.name, 'bridge-jambonz-livekit-bridge')
    t.same(group.rules.map(({ alert }) => alert), plain.rules.map(({ alert }) => alert))
    for (const [i, { alert, expr, annotations, labels }] of group.rules.entries()) {
      const { annotations: said, labels: labelled, expr: without } = plain.rules[i]!
      t.same({ annotations, labels }, { annotations: said, labels: labelled }, alert)
      for (const { metric, matchers } of readPromql(expr).selectors) {
        const target = Object.fromEntries(matchers.map(({ label, value }) => [label, value]))
        t.match(target, { namespace: 'voice', job: 'bridge-jambonz-livekit-bridge' }, `${alert}: ${metric}`)
      }
      t.equal(expr.replaceAll(/namespace="voice",job="bridge-jambonz-livekit-bridge",?/g, ''), without, alert)
    }

    const other = rendered.everything.one('PrometheusRule').spec.groups[0].rules as Alert[]
    const exprOf = (name: string) => other.find(({ alert }) => alert === `JambonzBridge${name}`)?.expr ?? ''
    t.match(exprOf('Degraded'), 'increase(bridge_attempts_degraded_total{app="phone"}[15m])\n) > 7 # tolerated')
    t.match(exprOf('AnswerRateLow'), '> 1 - 0.9 # minimumAnswerRate')
    t.match(exprOf('AnswerRateLow'), '>= 25 # minimumCalls')
    for (const { alert, expr, labels, annotations } of other) {
      t.equal(labels.team, 'voice')
      t.match(annotations.runbook_url, /^https:\/\/git\.example\.com\/bridge\/docs\/troubleshooting\.md#/)
      for (const { matchers } of readPromql(expr).selectors) {
        t.match(matchers[0], { label: 'app', value: 'phone' }, alert)
      }
    }
  })

  await t.test('the dashboard is a ConfigMap that the sidecar of Grafana finds', async t => {
    const { metadata, data } = rendered.everything.named('ConfigMap', 'phone-dashboard')
    t.match(metadata.labels, { grafana_dashboard: '1' })
    t.same(metadata.annotations, { grafana_folder: 'Voice' })
    t.same(data, { 'bridge.json': read('deploy/grafana/bridge.json') })
    const names = rendered.production.manifests.map(({ metadata }) => metadata.name)
    t.notOk(names.some(name => name.endsWith('-dashboard')), 'only if wanted')
  })

  await t.test('everything optional arrives', async t => {
    const { pod, container } = rendered.everything
    t.match(pod, {
      priorityClassName: 'high',
      nodeSelector: { zone: 'a' },
      tolerations: everything.tolerations,
      affinity: everything.affinity,
      topologySpreadConstraints: everything.topologySpreadConstraints,
      volumes: everything.extraVolumes,
      imagePullSecrets: everything.imagePullSecrets,
      serviceAccountName: 'phone-account'
    })
    t.match(container, {
      image: `registry.example.com/jambonz-livekit-bridge:${version}`,
      env: [{ name: 'PORT' }, ...everything.extraEnv],
      volumeMounts: everything.extraVolumeMounts
    })
    t.equal(
      rendered.existingSecret.container.image,
      `registry.example.com/jambonz-livekit-bridge@${existingSecret.image.digest as string}`
    )
    t.match(rendered.everything.one('Deployment').spec.template.metadata, {
      labels: { tier: 'voice' },
      annotations: { a: 'b' }
    })
    t.same(rendered.production.one('NetworkPolicy').spec.ingress, [{
      from: production.networkPolicy.from,
      ports: [{ port: 'http', protocol: 'TCP' }]
    }])
  })

  await t.test('values that cannot work are refused, and why', async t => {
    const redis = { secrets: { REDIS_URL: 'redis://r' }, redis: { enabled: true } }
    const refused: Array<[string, Values, RegExp]> = [
      ['no image', { image: { repository: undefined } }, /image\.repository is required: there is no published image/],
      ['no PUBLIC_URL', { settings: { PUBLIC_URL: undefined } }, /settings\.PUBLIC_URL is required: where Jambonz/],
      ['no secrets', { secrets: undefined }, /secrets or existingSecret is required/],
      ['empty secrets', {
        secrets: Object.fromEntries(
          Object.keys(minimal.secrets).map(name => [name, name.startsWith('LIVEKIT_API') ? undefined : ' '])
        )
      }, /secrets or existingSecret is required/],
      [
        'no API secret',
        { secrets: { LIVEKIT_API_SECRET: undefined } },
        /secrets\.LIVEKIT_API_SECRET is required, or existingSecret/
      ],
      ['both secrets', { existingSecret: 'bridge' }, /secrets and existingSecret exclude each other/],
      [
        'no authentication',
        { secrets: { JAMBONZ_WEBHOOK_SECRET: undefined } },
        /JAMBONZ_WEBHOOK_SECRET is required \(or HTTP_USERNAME and HTTP_PASSWORD\)/
      ],
      ['half of Basic', { secrets: { HTTP_USERNAME: 'jambonz' } }, /secrets\.HTTP_PASSWORD must be set too/],
      [
        'half of the trunk',
        { secrets: { LIVEKIT_SIP_USERNAME: undefined } },
        /secrets\.LIVEKIT_SIP_USERNAME must be set too: LiveKit does not challenge/
      ],
      [
        'a third of REST',
        { settings: { JAMBONZ_ACCOUNT_SID: '1' } },
        /settings\.JAMBONZ_REST_API_BASE_URL and secrets\.JAMBONZ_API_KEY must be set too/
      ],
      [
        'replicas without Redis',
        { replicaCount: 2 },
        /replicaCount is 2 without Redis: .*each replica knows only the calls/
      ],
      ['autoscaling without Redis', { autoscaling: { enabled: true } }, /autoscaling\.enabled needs redis\.enabled/],
      ['a URL without the switch', { secrets: { REDIS_URL: 'redis://r' } }, /redis\.enabled must be true/],
      ['the switch without a URL', { redis: { enabled: true } }, /redis\.enabled needs a URL/],
      [
        'two URLs',
        { ...redis, redis: { enabled: true, existingSecret: 'r' } },
        /secrets\.REDIS_URL and redis\.existingSecret exclude each other/
      ],
      [
        'more at least than at most',
        { ...redis, autoscaling: { enabled: true, minReplicas: 7 } },
        /minReplicas must not be greater/
      ],
      [
        'a share of nothing',
        { ...redis, autoscaling: { enabled: true }, resources: { requests: null } },
        /needs resources\.requests\.cpu/
      ],
      [
        'drains for ever',
        { settings: { DRAIN_DELAY_S: 25 } },
        /DRAIN_DELAY_S \(25\) must be smaller than SHUTDOWN_TIMEOUT_S \(25\)/
      ],
      [
        'no time to answer',
        { settings: { CALL_HOOK_DEADLINE_MS: 3000 } },
        /LIVEKIT_TIMEOUT_MS \(3000\) must be smaller than CALL_HOOK_DEADLINE_MS \(3000\)/
      ],
      [
        'a pool that shrinks when calls come',
        { settings: { WARM_AGENTS: 5, WARM_AGENTS_MAX: 4 } },
        /WARM_AGENTS_MAX \(4\) must not be smaller than WARM_AGENTS \(5\)/
      ],
      [
        'a pool of which no room is kept',
        { settings: { WARM_AGENTS_MAX: 4 } },
        /WARM_AGENTS must be 1 or more where WARM_AGENTS_MAX \(4\) is set/
      ],
      ['loopback', { settings: { HOST: '127.0.0.1' } }, /neither probes nor the Service reach/],
      [
        'an address to publish',
        { settings: { PUBLIC_URL: 'https://10.0.0.1' }, ingress: { enabled: true } },
        /an Ingress has no rule for the address 10\.0\.0\.1/
      ],
      [
        'TLS for http',
        { settings: { PUBLIC_URL: 'http://bridge.example.com' }, ingress: { enabled: true } },
        /Jambonz treats a redirect as a failed call/
      ],
      ['a path that nobody strips', {
        settings: { PUBLIC_URL: 'https://example.com/bridge' },
        ingress: { enabled: true }
      }, /has the path \/bridge, which the ingress must strip/],
      ['nothing to strip', { ingress: { enabled: true, stripPrefix: 'ingress-nginx' } }, /no path to strip/],
      ['nothing that strips', {
        settings: { PUBLIC_URL: 'https://example.com/bridge' },
        ingress: { enabled: true, stripPrefix: 'annotations' }
      }, /no ingress\.annotations/],
      [
        'published without authentication',
        { settings: { ALLOW_UNSIGNED_HOOKS: true }, ingress: { enabled: true } },
        /ALLOW_UNSIGNED_HOOKS with ingress\.enabled/
      ],
      ['nobody may connect', { networkPolicy: { enabled: true } }, /networkPolicy\.enabled needs networkPolicy\.from/],
      ['another port', { extraEnv: [{ name: 'PORT', value: '80' }] }, /extraEnv must not have PORT: set containerPort/],
      [
        'two routes files',
        { routes: { version: 1 }, settings: { ROUTES_FILE: '/routes.yaml' } },
        /routes and settings\.ROUTES_FILE exclude each other/
      ],
      ['routes that are no YAML', { routes: 'a: [' }, /routes is not YAML \(.+\)\. `bridge routes check` says more/],
      [
        'a key that is nowhere',
        { routes: routes.routes },
        /routes names the environment variable RETELL_API_KEY, which is not set/
      ],
      [
        'a password that is nowhere',
        {
          routes: 'routes: [{ connect: [{ sip: "sip:a@b", auth: { username: USER, password: PASS } }] }]',
          extraSecrets: { USER: 'jambonz' }
        },
        /^ {2}- routes names the environment variable PASS, which is not set(?!.*USER)/ms
      ],
      [
        'secrets of two kinds',
        { secrets: undefined, existingSecret: 'bridge', extraSecrets: { RETELL_API_KEY: 'k' } },
        /extraSecrets and existingSecret exclude each other/
      ],
      // By the schema:
      ['a variable that cannot be', { extraSecrets: { 'RETELL-KEY': 'k' } }, /propertyName '?RETELL-KEY/],
      ['routes that are a list', { routes: [{ name: 'all' }] }, /routes.*want string or object/s],
      ['an unknown setting', { settings: { MAX_CALS: 3 } }, /'?\/?settings'?.*MAX_CALS/s],
      ['a secret in the ConfigMap', { settings: { LIVEKIT_API_SECRET: 's' } }, /'?\/?settings'?.*LIVEKIT_API_SECRET/s],
      ['an unknown secret', { secrets: { API_KEY: 's' } }, /'?\/?secrets'?.*API_KEY/s],
      ['PORT', { settings: { PORT: 80 } }, /'?\/?settings'?.*PORT/s],
      ['a number without its plus', { settings: { FALLBACK_NUMBER: 15551230009 } }, /FALLBACK_NUMBER.*want string/s],
      ['a wrong form', { settings: { LIVEKIT_SIP_HOST: 'sip:host' } }, /LIVEKIT_SIP_HOST.*does not match/s],
      ['too much', { settings: { DIAL_TIMEOUT_S: 500 } }, /DIAL_TIMEOUT_S.*maximum/s],
      ['an unknown value', { replicas: 2 }, /replicas/]
    ]
    const reasons = await Promise.all(refused.map(([, changes]) => refusal(example('minimal', changes))))
    refused.forEach(([name, , why], i) => t.match(reasons[i], why, name))
    t.match(await refusal(minimal, '1.29.0'), /requires kubeVersion: >=1\.30/)

    const nothing = await refusal({})
    for (
      const name of [
        'image.repository',
        'settings.PUBLIC_URL',
        'settings.LIVEKIT_URL',
        'settings.LIVEKIT_SIP_HOST',
        'settings.LIVEKIT_AGENT_NAME',
        'secrets or existingSecret'
      ]
    ) t.match(nothing, name, 'all at once')
  })

  await t.test('what works is not refused', async t => {
    const basic = { JAMBONZ_WEBHOOK_SECRET: undefined, HTTP_USERNAME: 'u', HTTP_PASSWORD: 'p' }
    const fine: Values[] = [
      { secrets: basic },
      { replicaCount: 0 },
      { settings: { ALLOW_UNSIGNED_HOOKS: true }, secrets: { JAMBONZ_WEBHOOK_SECRET: undefined } },
      { settings: { PUBLIC_URL: 'http://10.0.0.1:8080/bridge' } },
      { secrets: undefined, existingSecret: 'bridge', redis: { enabled: true }, replicaCount: 3 },
      {
        secrets: undefined,
        existingSecret: 'bridge',
        settings: { JAMBONZ_ACCOUNT_SID: '1', JAMBONZ_REST_API_BASE_URL: 'https://jambonz.cloud/api/v1' }
      },
      {
        routes: routes.routes,
        extraEnv: [{ name: 'RETELL_API_KEY', valueFrom: { secretKeyRef: { name: 'r', key: 'k' } } }]
      },
      { secrets: undefined, existingSecret: 'bridge', routes: routes.routes },
      { settings: { ROUTES_FILE: '/files/routes.yaml' } },
      // The bridge tells what is wrong with these.
      { routes: { version: 1, routes: 'all' } },
      { routes: 'routes: [1, { connect: 3 }, { connect: [agent, { retell: x }, { auth: {} }] }]' },
      {
        global: { anything: 1 },
        serviceAccount: { create: false },
        podSecurityContext: { runAsUser: null, runAsGroup: null }
      }
    ]
    t.same(await Promise.all(fine.map(changes => refusal(example('minimal', changes)))), fine.map(() => ''))
  })

  await t.test('after the installation it says what to configure where', async t => {
    // `helm template` leaves the notes out, and `helm install` wants a cluster: a copy of the chart has them in a
    // manifest.
    const directory = mkdtempSync(join(tmpdir(), 'chart-'))
    t.after(() => rmSync(directory, { recursive: true }))
    cpSync(chartPath, directory, { recursive: true })
    writeFileSync(
      join(directory, 'templates/notes.yaml'),
      `{{ define "notes" }}${chart('templates/NOTES.txt')}{{ end }}\nnotes: {{ include "notes" . | toJson }}\n`
    )
    const notes = async (values: Values) => {
      const { stdout, stderr } = await helm([
        'template',
        'bridge',
        directory,
        '--namespace',
        'voice',
        '--kube-version',
        KUBERNETES[0]!,
        '--show-only',
        'templates/notes.yaml'
      ], values)
      t.equal(stderr, '')
      return (parse(stdout) as { notes: string }).notes
    }
    const [one, many, existing, routed] = await Promise.all(
      [minimal, production, existingSecret, routes].map(notes)
    ) as [string, string, string, string]
    t.match(one, /WARNING: one replica/)
    t.match(one, 'https://bridge.example.com/livekit-api\n')
    t.match(one, 'https://bridge.example.com/status#rc=2&rp=all\n')
    t.match(one, 'https://bridge.example.com/livekit-events\n')
    t.match(one, /publishes nothing.*must lead to the Service\s+bridge-jambonz-livekit-bridge\.voice, port 80/s)
    t.match(one, 'port-forward service/bridge-jambonz-livekit-bridge 3000:80')
    t.match(one, '/docs')
    t.notMatch(many, /WARNING|publishes nothing/)
    t.match(existing, 'https://voice.example.com/bridge/livekit-api\n')
    t.match(existing, /rollout restart/)
    t.match(routed, 'in the ConfigMap bridge-jambonz-livekit-bridge-routes.')
    t.notMatch(many, 'ConfigMap')
    for (const text of [one, many, routed]) {
      const secrets = { ...production.secrets, ...routes.extraSecrets } as Record<string, string>
      for (const value of Object.values(secrets)) {
        t.notOk(value !== 'jambonz' && text.includes(value))
      }
    }
  })
}
