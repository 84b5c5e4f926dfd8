{{- /* Lists all values that cannot work, so that the reader sees all problems at once, as with the bridge's own settings. */ -}}
{{- define "bridge.check" -}}
{{- $v := .Values -}}
{{- $settings := $v.settings -}}
{{- $secrets := dict -}}
{{- range $name, $value := $v.secrets -}}
{{- if trim (toString $value) -}}{{- $_ := set $secrets $name $value -}}{{- end -}}
{{- end -}}
{{- $problems := list -}}

{{- if not $v.image.repository -}}
{{- $problems = append $problems "image.repository is required: there is no published image. Build it from the repository's Dockerfile and push it to your registry" -}}
{{- end -}}
{{- range $name, $what := dict "PUBLIC_URL" "where Jambonz and LiveKit reach the hooks, e.g. https://bridge.example.com" "LIVEKIT_URL" "the LiveKit server, e.g. wss://myproject-1a2b3c4d.livekit.cloud" "LIVEKIT_SIP_HOST" "where LiveKit answers SIP, e.g. vjnxecm0tjk.sip.livekit.cloud" "LIVEKIT_AGENT_NAME" "the agent that answers" -}}
{{- if not (index $settings $name) -}}{{- $problems = append $problems (printf "settings.%s is required: %s" $name $what) -}}{{- end -}}
{{- end -}}

{{- if and $v.existingSecret $v.extraSecrets -}}
{{- $problems = append $problems "extraSecrets and existingSecret exclude each other: put these variables into existingSecret as well" -}}
{{- end -}}
{{- if and $v.existingSecret $secrets -}}
{{- $problems = append $problems "secrets and existingSecret exclude each other: use only one of them" -}}
{{- else if $v.existingSecret -}}
{{- else if not $secrets -}}
{{- $problems = append $problems "secrets or existingSecret is required: the bridge needs LIVEKIT_API_KEY, LIVEKIT_API_SECRET, and JAMBONZ_WEBHOOK_SECRET or HTTP_USERNAME and HTTP_PASSWORD" -}}
{{- else -}}
{{- range $name := list "LIVEKIT_API_KEY" "LIVEKIT_API_SECRET" -}}
{{- if not (index $secrets $name) -}}{{- $problems = append $problems (printf "secrets.%s is required, or existingSecret" $name) -}}{{- end -}}
{{- end -}}
{{- if not (or $secrets.JAMBONZ_WEBHOOK_SECRET $secrets.HTTP_USERNAME $secrets.HTTP_PASSWORD $settings.ALLOW_UNSIGNED_HOOKS) -}}
{{- $problems = append $problems "secrets.JAMBONZ_WEBHOOK_SECRET is required (or HTTP_USERNAME and HTTP_PASSWORD): without either, anybody could start calls" -}}
{{- end -}}
{{- range $pair := list (list "HTTP_USERNAME" "HTTP_PASSWORD" "Basic authentication needs both") (list "LIVEKIT_SIP_USERNAME" "LIVEKIT_SIP_PASSWORD" "LiveKit does not challenge callers of a trunk with only one of them") -}}
{{- $one := index $pair 0 -}}{{- $other := index $pair 1 -}}
{{- if and (index $secrets $one) (not (index $secrets $other)) -}}{{- $problems = append $problems (printf "secrets.%s must be set too: %s" $other (index $pair 2)) -}}{{- end -}}
{{- if and (index $secrets $other) (not (index $secrets $one)) -}}{{- $problems = append $problems (printf "secrets.%s must be set too: %s" $one (index $pair 2)) -}}{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The key may be in a Secret that cannot be seen from here. */ -}}
{{- $missing := list -}}{{- $present := list -}}
{{- range $name := list "JAMBONZ_REST_API_BASE_URL" "JAMBONZ_ACCOUNT_SID" -}}
{{- if index $settings $name -}}{{- $present = append $present $name -}}{{- else -}}{{- $missing = append $missing (printf "settings.%s" $name) -}}{{- end -}}
{{- end -}}
{{- if $secrets.JAMBONZ_API_KEY -}}{{- $present = append $present "JAMBONZ_API_KEY" -}}
{{- else if not $v.existingSecret -}}{{- $missing = append $missing "secrets.JAMBONZ_API_KEY" -}}{{- end -}}
{{- if and $present $missing -}}{{- $problems = append $problems (printf "%s must be set too: the Jambonz REST API needs all three" (join " and " $missing)) -}}{{- end -}}

{{- $drain := include "bridge.drainDelay" . -}}{{- $shutdown := include "bridge.shutdownTimeout" . -}}
{{- if ge (float64 $drain) (float64 $shutdown) -}}
{{- $problems = append $problems (printf "settings.DRAIN_DELAY_S (%s) must be smaller than SHUTDOWN_TIMEOUT_S (%s), which includes it" $drain $shutdown) -}}
{{- end -}}
{{- $wait := include "bridge.number" (dict "settings" $settings "name" "LIVEKIT_TIMEOUT_MS" "default" 3000) -}}
{{- $deadline := include "bridge.number" (dict "settings" $settings "name" "CALL_HOOK_DEADLINE_MS" "default" 6000) -}}
{{- if ge (float64 $wait) (float64 $deadline) -}}
{{- $problems = append $problems (printf "settings.LIVEKIT_TIMEOUT_MS (%s) must be smaller than CALL_HOOK_DEADLINE_MS (%s), or no time is left to answer when LiveKit hangs" $wait $deadline) -}}
{{- end -}}
{{- $warm := include "bridge.number" (dict "settings" $settings "name" "WARM_AGENTS" "default" 0) -}}
{{- $warmest := include "bridge.number" (dict "settings" $settings "name" "WARM_AGENTS_MAX" "default" $warm) -}}
{{- if lt (float64 $warmest) (float64 $warm) -}}
{{- $problems = append $problems (printf "settings.WARM_AGENTS_MAX (%s) must not be smaller than WARM_AGENTS (%s)" $warmest $warm) -}}
{{- else if and (eq (float64 $warm) 0.0) (gt (float64 $warmest) 0.0) -}}
{{- $problems = append $problems (printf "settings.WARM_AGENTS must be 1 or more where WARM_AGENTS_MAX (%s) is set, which only says how far it may grow" $warmest) -}}
{{- end -}}
{{- if has $settings.HOST (list "127.0.0.1" "::1" "localhost") -}}
{{- $problems = append $problems (printf "settings.HOST is %s: neither probes nor the Service reach a pod that listens on loopback only" $settings.HOST) -}}
{{- end -}}

{{- if not $v.redis.enabled -}}
{{- if or $secrets.REDIS_URL $v.redis.existingSecret -}}
{{- $problems = append $problems "redis.enabled must be true if a REDIS_URL is given: it enables replicas, rolling updates and autoscaling" -}}
{{- end -}}
{{- if gt (int $v.replicaCount) 1 -}}
{{- $problems = append $problems (printf "replicaCount is %d without Redis: the hooks of a call reach any replica, but each replica knows only the calls whose first hook it received. Set redis.enabled, or use one replica" (int $v.replicaCount)) -}}
{{- end -}}
{{- if $v.autoscaling.enabled -}}
{{- $problems = append $problems "autoscaling.enabled needs redis.enabled: without Redis, calls are kept in the memory of one process" -}}
{{- end -}}
{{- else -}}
{{- if and $secrets.REDIS_URL $v.redis.existingSecret -}}
{{- $problems = append $problems "secrets.REDIS_URL and redis.existingSecret exclude each other" -}}
{{- end -}}
{{- if not (or $secrets.REDIS_URL $v.redis.existingSecret $v.existingSecret) -}}
{{- $problems = append $problems "redis.enabled needs a URL: secrets.REDIS_URL, a key REDIS_URL in existingSecret, or redis.existingSecret" -}}
{{- end -}}
{{- end -}}

{{- if $v.autoscaling.enabled -}}
{{- if gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas) -}}
{{- $problems = append $problems "autoscaling.minReplicas must not be greater than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if not (or $v.autoscaling.metrics (dig "requests" "cpu" "" $v.resources)) -}}
{{- $problems = append $problems "autoscaling by CPU needs resources.requests.cpu, of which it is a share; or set autoscaling.metrics" -}}
{{- end -}}
{{- end -}}

{{- $url := urlParse (include "bridge.publicUrl" .) -}}
{{- if and $v.ingress.enabled $settings.PUBLIC_URL -}}
{{- if regexMatch "^([0-9.]+|.*:.*)$" $url.hostname -}}
{{- $problems = append $problems (printf "ingress.enabled needs a name in settings.PUBLIC_URL: an Ingress has no rule for the address %s" $url.hostname) -}}
{{- end -}}
{{- if and $v.ingress.tls.enabled (ne $url.scheme "https") -}}
{{- $problems = append $problems "ingress.tls.enabled with a settings.PUBLIC_URL of http: ingress controllers then redirect to https, and Jambonz treats a redirect as a failed call. Use https in PUBLIC_URL, or disable TLS" -}}
{{- end -}}
{{- $prefix := include "bridge.prefix" . -}}
{{- if and $prefix (not $v.ingress.stripPrefix) -}}
{{- $problems = append $problems (printf "settings.PUBLIC_URL has the path %s, which the ingress must strip. Set ingress.stripPrefix to ingress-nginx, or to annotations if your own annotations strip it; or use a PUBLIC_URL without a path" $prefix) -}}
{{- end -}}
{{- if and $v.ingress.stripPrefix (not $prefix) -}}
{{- $problems = append $problems "ingress.stripPrefix is set, but settings.PUBLIC_URL has no path to strip" -}}
{{- end -}}
{{- if and (eq $v.ingress.stripPrefix "annotations") (not $v.ingress.annotations) -}}
{{- $problems = append $problems "ingress.stripPrefix is annotations, but there are no ingress.annotations that could strip the path" -}}
{{- end -}}
{{- if $settings.ALLOW_UNSIGNED_HOOKS -}}
{{- $problems = append $problems "settings.ALLOW_UNSIGNED_HOOKS with ingress.enabled: anybody who finds the hooks could start calls" -}}
{{- end -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled (not $v.networkPolicy.from) -}}
{{- $problems = append $problems "networkPolicy.enabled needs networkPolicy.from: without it nothing, not even the ingress controller, could reach the bridge" -}}
{{- end -}}
{{- if $v.routes -}}
{{- if $settings.ROUTES_FILE -}}
{{- $problems = append $problems "routes and settings.ROUTES_FILE exclude each other: use settings.ROUTES_FILE only for a file that you mount yourself" -}}
{{- end -}}
{{- with (include "bridge.routesJson" . | fromJson).Error -}}
{{- $problems = append $problems (printf "routes is not YAML (%s). `bridge routes check` says more" .) -}}
{{- end -}}
{{- $known := concat (keys $v.extraSecrets) (keys $secrets) -}}
{{- range $env := $v.extraEnv -}}{{- $known = append $known $env.name -}}{{- end -}}
{{- range $name := compact (splitList " " (include "bridge.routesVariables" .)) -}}
{{- if not (or $v.existingSecret (has $name $known)) -}}
{{- $problems = append $problems (printf "routes names the environment variable %s, which is not set: add it to extraSecrets or extraEnv" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $env := $v.extraEnv -}}
{{- if has $env.name (list "PORT" "HTTP_PORT") -}}
{{- $problems = append $problems (printf "extraEnv must not have %s: set containerPort, which Service and probes follow" $env.name) -}}
{{- end -}}
{{- end -}}

{{- if $problems -}}
{{- fail (printf "\nThe values are not usable:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}
