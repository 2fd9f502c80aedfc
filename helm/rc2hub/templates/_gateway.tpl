{{- /* (list $ "hdfs" 14000 dict of settings, "secret"): the gateway of that service, which listens by HTTP; it keeps no data.
    It mounts the Secret, if there is one, at /etc/rc2hub/NAME. */ -}}
{{- define "rc2hub.gateway" -}}
{{- $ := index . 0 -}}
{{- $name := index . 1 -}}
{{- $secret := index . 4 -}}
{{- $component := printf "%s-gateway" $name -}}
{{- $broker := printf "http://%s:8000" (include "rc2hub.host" (list $ "broker")) -}}
{{- $settings := merge (dict "service" $name "address" (printf "0.0.0.0:%v" (index . 2)) "broker_url" $broker) (index . 3) -}}
{{- $values := get $.Values $name -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "rc2hub.metadata" (list $ $component) | nindent 2 }}
  namespace: {{ $.Release.Namespace }}
spec:
  replicas: 1
  # only one gateway at a time may know which servers are attached
  strategy: {type: Recreate}
  selector:
    matchLabels:
      {{- include "rc2hub.selector" (list $ $component) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "rc2hub.selector" (list $ $component) | nindent 8 }}
    spec:
      {{- include "rc2hub.pod" (list $ $component 1000) | nindent 6 }}
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 30
      containers:
        - name: gateway
          {{- include "rc2hub.container" (list $ "hub") | nindent 10 }}
          args: [python3, -m, rc2hub.gateways.{{ $name }}_gateway]
          workingDir: /tmp
          env:
            - {name: JUPYTERHUB_BASE_URL, value: /}
            - name: RC2_{{ upper $name }}_GATEWAY
              value: {{ $settings | toJson | quote }}
            {{- if hasKey $settings "keytab" }}
            - {name: KRB5_CONFIG, value: /etc/rc2hub/{{ $name }}/krb5.conf}
            {{- end }}
            {{- include "rc2hub.secretVariable" (list "RC2_GATEWAY_SECRET" (include "rc2hub.secret" $) "gateway-secret") | nindent 12 }}
          ports:
            - {name: http, containerPort: {{ index . 2 }}}
          startupProbe:
            tcpSocket: {port: http}
            periodSeconds: 1
            failureThreshold: 120
          readinessProbe:
            tcpSocket: {port: http}
            periodSeconds: 2
          livenessProbe:
            tcpSocket: {port: http}
            failureThreshold: 6
          {{- include "rc2hub.preStop" $ | nindent 10 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- if $secret }}
            - {name: credentials, mountPath: /etc/rc2hub/{{ $name }}, readOnly: true}
            {{- end }}
      volumes:
        {{- with $secret }}
        - name: credentials
          secret: {secretName: {{ . }}}
        {{- end }}
        - name: tmp
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "rc2hub.metadata" (list $ $component) | nindent 2 }}
  namespace: {{ $.Release.Namespace }}
spec:
  selector:
    {{- include "rc2hub.selector" (list $ $component) | nindent 4 }}
  ports:
    - {name: http, port: {{ index . 2 }}, targetPort: http}
{{- end }}
