{{- define "bridge.routesName" -}}
{{- printf "%s-routes" (include "bridge.fullname" . | trunc 56 | trimSuffix "-") -}}
{{- end -}}

{{- define "bridge.routesFolder" -}}/etc/jambonz-livekit-bridge{{- end -}}

{{- define "bridge.routesKey" -}}routes.yaml{{- end -}}

{{- /* The routes as JSON, whether they are a mapping or text. Text that is not YAML has the key Error (fromYaml). */ -}}
{{- define "bridge.routesJson" -}}
{{- $routes := .Values.routes -}}
{{- if kindIs "string" $routes -}}{{- $routes = fromYaml $routes -}}{{- end -}}
{{- toJson $routes -}}
{{- end -}}

{{- /*
The environment variables that the ways of the routes name, separated by blanks. Of what has another form than a routes
file nothing is read here: the bridge explains it better.
*/ -}}
{{- define "bridge.routesVariables" -}}
{{- $names := list -}}
{{- $routes := (include "bridge.routesJson" . | fromJson).routes -}}
{{- range $route := ternary $routes (list) (kindIs "slice" $routes) -}}
{{- $ways := ternary (dict) $route (not (kindIs "map" $route)) -}}
{{- range $way := ternary $ways.connect (list) (kindIs "slice" $ways.connect) -}}
{{- if kindIs "map" $way -}}
{{- if kindIs "map" $way.retell -}}{{- $names = append $names $way.retell.key -}}{{- end -}}
{{- if kindIs "map" $way.auth -}}{{- $names = append (append $names $way.auth.username) $way.auth.password -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $texts := list -}}
{{- range $name := $names -}}{{- if kindIs "string" $name -}}{{- $texts = append $texts $name -}}{{- end -}}{{- end -}}
{{- $texts | uniq | join " " -}}
{{- end -}}
