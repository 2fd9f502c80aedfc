{{- /* (list $ "hub" uid): fields common to all pods of the chart; each pod meets the level "restricted" */ -}}
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
# spread the pods over nodes, so that the loss of one node affects few of them
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {app.kubernetes.io/instance: {{ $.Release.Name }}}
{{- end }}

{{- /* (list $ "hub"): image and security context of a container */ -}}
{{- define "rc2hub.container" -}}
{{- $ := index . 0 -}}
image: {{ include "rc2hub.image" . | quote }}
imagePullPolicy: {{ $.Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  readOnlyRootFilesystem: true
{{- end }}

{{- /* Wait until the Services have removed the terminating pod and send it no more connections. */ -}}
{{- define "rc2hub.preStop" -}}
lifecycle:
  preStop:
    sleep: {seconds: 3}
{{- end }}

{{- /* Traits of Spark's drivers: the chart's defaults; the operator's values override them. */ -}}
{{- define "rc2hub.sparkDrivers" -}}
{{- $drivers := dict "namespace" (include "rc2hub.sparkNamespace" .) "image" (include "rc2hub.image" (list . "spark")) -}}
{{- $_ := set $drivers "image_pull_policy" .Values.images.pullPolicy -}}
{{- $_ := set $drivers "executors_url" (printf "http://%s:15003" (include "rc2hub.host" (list . "spark-gateway"))) -}}
{{- if .Values.hdfs.enabled }}{{ $_ := set $drivers "hdfs_gateway" (include "rc2hub.hdfsGateway" .) }}{{ end -}}
{{- if .Values.hive.enabled }}{{ $_ := set $drivers "hive_gateway" (include "rc2hub.hiveGateway" .) }}{{ end -}}
{{- if .Values.s3.enabled }}{{ $_ := set $drivers "s3_gateway" (printf "%s/%s" (include "rc2hub.s3Gateway" .) .Values.s3.bucket) }}{{ end -}}
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
