{{- define "bridge.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "bridge.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bridge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "bridge.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "bridge.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "bridge.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "bridge.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "bridge.image" -}}
{{- with .Values.image -}}
{{- .repository -}}
{{- if .digest -}}@{{ .digest }}{{- else -}}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Number of a setting; `default` is the bridge's own, and a zero counts. */ -}}
{{- define "bridge.number" -}}
{{- $value := index .settings .name -}}
{{- if kindIs "invalid" $value -}}{{ .default }}{{- else -}}{{ toJson $value }}{{- end -}}
{{- end -}}

{{- define "bridge.drainDelay" -}}
{{- include "bridge.number" (dict "settings" .Values.settings "name" "DRAIN_DELAY_S" "default" 5) -}}
{{- end -}}

{{- define "bridge.shutdownTimeout" -}}
{{- include "bridge.number" (dict "settings" .Values.settings "name" "SHUTDOWN_TIMEOUT_S" "default" 25) -}}
{{- end -}}

{{- /* Without Redis no other replica takes over: waiting would only make the gap longer. */ -}}
{{- define "bridge.preStop" -}}
{{- ternary .Values.preStopSeconds 0 .Values.redis.enabled | int -}}
{{- end -}}

{{- /* The kubelet counts from before preStop. The 5 s are for its own delays, so that the bridge always ends by itself. */ -}}
{{- define "bridge.gracePeriod" -}}
{{- add (include "bridge.shutdownTimeout" . | float64 | ceil | int) (include "bridge.preStop" .) 5 -}}
{{- end -}}

{{- define "bridge.publicUrl" -}}
{{- regexReplaceAll "/+$" (.Values.settings.PUBLIC_URL | default "") "" -}}
{{- end -}}

{{- /* Path of PUBLIC_URL without the slash at its end: empty, or as in /bridge. */ -}}
{{- define "bridge.prefix" -}}
{{- (urlParse (include "bridge.publicUrl" .)).path -}}
{{- end -}}

{{- define "bridge.hookPaths" -}}
livekit-api status call-status action refer refer-complete redirect screen screen-digit amd livekit-events
{{- end -}}

{{- /* More than one replica, now or later. */ -}}
{{- define "bridge.many" -}}
{{- if .Values.redis.enabled -}}
{{- if .Values.autoscaling.enabled -}}{{- if gt (int .Values.autoscaling.minReplicas) 1 -}}true{{- end -}}
{{- else if gt (int .Values.replicaCount) 1 -}}true{{- end -}}
{{- end -}}
{{- end -}}
