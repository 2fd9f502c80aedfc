{{- define "rc2hub.fullname" -}}
{{ .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "rc2hub.computeNamespace" -}}
{{ .Values.compute.namespace | default (printf "%s-compute" .Release.Namespace) }}
{{- end }}

{{- define "rc2hub.sparkNamespace" -}}
{{ .Values.spark.namespace | default (printf "%s-spark" .Release.Namespace) }}
{{- end }}

{{- define "rc2hub.homesClaim" -}}
{{ .Values.compute.homes.existingClaim | default (printf "%s-homes" (include "rc2hub.fullname" .)) }}
{{- end }}

{{- define "rc2hub.secret" -}}
{{ .Values.hub.existingSecret | default (include "rc2hub.fullname" .) }}
{{- end }}

{{- define "rc2hub.postgresqlSecret" -}}
{{ .Values.postgresql.existingSecret | default (printf "%s-postgresql" (include "rc2hub.fullname" .)) }}
{{- end }}

{{- /* "true" if the chart runs PostgreSQL: for databases that users attach, for Hive's metastore, or for both */ -}}
{{- define "rc2hub.runsPostgresql" -}}
{{- if or (and .Values.postgresql.enabled (not .Values.postgresql.external)) (include "rc2hub.metastoreInPostgresql" .) }}true{{ end -}}
{{- end }}

{{- /* "true" if the chart runs Hive's metastore */ -}}
{{- define "rc2hub.runsMetastore" -}}
{{- if and .Values.hive.enabled (not .Values.hive.external) }}true{{ end -}}
{{- end }}

{{- /* (list $ "hub"): the image of that name */ -}}
{{- define "rc2hub.image" -}}
{{- $ := index . 0 -}}
{{ $.Values.images.prefix }}{{ index . 1 }}:{{ $.Values.images.tag | default $.Chart.AppVersion }}
{{- end }}

{{- /* (list $ "hub"): the address of that component's Service */ -}}
{{- define "rc2hub.host" -}}
{{- $ := index . 0 -}}
{{ include "rc2hub.fullname" $ }}-{{ index . 1 }}.{{ $.Release.Namespace }}.svc
{{- end }}

{{- /* (list $ "hub"): the labels that select that component's pods */ -}}
{{- define "rc2hub.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ $.Chart.Name }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "rc2hub.labels" -}}
{{- $ := index . 0 -}}
{{ include "rc2hub.selector" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ $.Chart.Name }}-{{ $.Chart.Version }}
{{- end }}

{{- /* (list $ "hub"): metadata of an object of that component, without its namespace */ -}}
{{- define "rc2hub.metadata" -}}
name: {{ include "rc2hub.fullname" (index . 0) }}-{{ index . 1 }}
labels:
  {{- include "rc2hub.labels" . | nindent 2 }}
{{- end }}

{{- define "rc2hub.priorityClass" -}}
{{- $ := index . 0 -}}
{{ $.Release.Namespace }}-{{ include "rc2hub.fullname" $ }}-{{ index . 1 }}
{{- end }}

{{- /* (list $ "variable" "secret" "key"): a variable from a key of a Secret */ -}}
{{- define "rc2hub.secretVariable" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}
