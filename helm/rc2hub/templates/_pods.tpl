{{- /* (list $ "hub" uid): what all pods of the chart have in common; "restricted" holds for each */ -}}
{{- define "rc2hub.pod" -}}
{{- $ := index . 0 -}}
{{- $uid := index . 2 -}}
enableServiceLinks: false
{{- with $.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $.Values.scheduling.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.scheduling.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $.Values.priorityClasses.create }}
priorityClassName: {{ include "rc2hub.priorityClass" (list $ "system") }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $uid }}
  runAsGroup: {{ $uid }}
  fsGroup: {{ $uid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
# the loss of one node takes as few of them as possible
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {app.kubernetes.io/instance: {{ $.Release.Name }}}
{{- end }}

{{- /* (list $ "hub"): image and rights of a container */ -}}
{{- define "rc2hub.container" -}}
{{- $ := index . 0 -}}
image: {{ include "rc2hub.image" . | quote }}
imagePullPolicy: {{ $.Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  readOnlyRootFilesystem: true
{{- end }}

{{- /* Until the Services know that a pod ends, and send nobody to it any more. */ -}}
{{- define "rc2hub.preStop" -}}
lifecycle:
  preStop:
    sleep: {seconds: 3}
{{- end }}

{{- /* Traits of Spark's drivers: where and what they are, unless the operator says it. */ -}}
{{- define "rc2hub.sparkDrivers" -}}
{{- $drivers := dict "namespace" (include "rc2hub.sparkNamespace" .) "image" (include "rc2hub.image" (list . "spark")) -}}
{{- $_ := set $drivers "image_pull_policy" .Values.images.pullPolicy -}}
{{- $_ := set $drivers "executors_url" (printf "http://%s:15003" (include "rc2hub.host" (list . "spark-gateway"))) -}}
{{- $pod := dict -}}
{{- with .Values.images.pullSecrets -}}
  {{- $secrets := list -}}
  {{- range . }}{{ $secrets = append $secrets (dict "name" .) }}{{ end -}}
  {{- $_ := set $pod "imagePullSecrets" $secrets -}}
{{- end -}}
{{- if .Values.priorityClasses.create -}}
  {{- $_ := set $pod "priorityClassName" (include "rc2hub.priorityClass" (list . "compute")) -}}
{{- end -}}
{{- merge (deepCopy .Values.spark.drivers) $drivers (dict "extra_pod_config" $pod) | toJson -}}
{{- end }}
