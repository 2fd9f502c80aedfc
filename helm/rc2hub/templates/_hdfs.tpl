{{- /* Hadoop's settings for the chart's own HDFS, as its configuration files; only the gateway reaches it, as the account rc2 */ -}}
{{- define "rc2hub.hdfsConfiguration" -}}
{{- $core := dict
  "fs.defaultFS" (printf "hdfs://%s:8020" (include "rc2hub.host" (list . "hdfs-namenode")))
  "hadoop.tmp.dir" "/tmp/hadoop"
  "hadoop.proxyuser.rc2.hosts" "*"
  "hadoop.proxyuser.rc2.users" "*"
  "hadoop.security.group.mapping" "org.apache.hadoop.security.NullGroupsMapping"
  "hadoop.http.staticuser.user" "anonymous"
-}}
{{- $hdfs := dict
  "dfs.replication" (min .Values.hdfs.datanode.replicas 3)
  "dfs.namenode.name.dir" "/data/name"
  "dfs.namenode.rpc-bind-host" "0.0.0.0"
  "dfs.namenode.http-address" "0.0.0.0:9870"
  "dfs.namenode.datanode.registration.ip-hostname-check" "false"
  "dfs.namenode.safemode.extension" "0"
  "dfs.datanode.data.dir" "/data/data"
  "dfs.datanode.hostname" "${env.RC2_HOSTNAME}"
  "dfs.block.access.token.enable" "true"
  "dfs.client.block.write.locateFollowingBlock.initial.delay.ms" "10"
  "dfs.client.block.write.locateFollowingBlock.retries" "11"
-}}
{{- range $name, $value := .Values.hdfs.settings -}}
  {{- $_ := set (ternary $hdfs $core (hasPrefix "dfs." $name)) $name $value -}}
{{- end -}}
{{- include "rc2hub.hadoopFiles" (dict "core-site.xml" $core "hdfs-site.xml" $hdfs) }}
{{- end }}

{{- /* dict of files, each a dict of settings: Hadoop's configuration files, as keys of a ConfigMap */ -}}
{{- define "rc2hub.hadoopFiles" -}}
{{- range $file, $settings := . }}
{{ $file }}: |
  <configuration>
  {{- range $name, $value := $settings }}
    <property><name>{{ $name }}</name><value>{{ $value | toString | html }}</value></property>
  {{- end }}
  </configuration>
{{- end }}
{{- end }}

{{- /* (list $ "hdfs-namenode" "namenode" dict of ports): a server of HDFS with a volume, and the Service that names it */ -}}
{{- define "rc2hub.hdfsServer" -}}
{{- $ := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := get $.Values.hdfs (index . 2) -}}
{{- $host := include "rc2hub.host" (list $ $component) -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "rc2hub.metadata" (list $ $component) | nindent 2 }}
  namespace: {{ $.Release.Namespace }}
spec:
  replicas: {{ $values.replicas | default 1 }}
  serviceName: {{ include "rc2hub.fullname" $ }}-{{ $component }}
  podManagementPolicy: Parallel
  selector:
    matchLabels:
      {{- include "rc2hub.selector" (list $ $component) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "rc2hub.selector" (list $ $component) | nindent 8 }}
      annotations:
        rc2hub/config: {{ include "rc2hub.hdfsConfiguration" $ | sha256sum }}
    spec:
      {{- include "rc2hub.pod" (list $ $component 185) | nindent 6 }}
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 60
      containers:
        - name: {{ index . 2 }}
          {{- include "rc2hub.container" (list $ "spark") | nindent 10 }}
          command: [tini, --, hdfs, {{ index . 2 }}]
          env:
            - {name: HADOOP_USER_NAME, value: hdfs}
            - name: RC2_POD
              valueFrom: {fieldRef: {fieldPath: metadata.name}}
            - {name: RC2_HOSTNAME, value: $(RC2_POD).{{ $host }}}
          ports:
            {{- range $name, $port := index . 3 }}
            - {name: {{ $name }}, containerPort: {{ $port }}}
            {{- end }}
          # the NameNode opens this port when it has read its files
          startupProbe:
            tcpSocket: {port: rpc}
            periodSeconds: 2
            failureThreshold: 900
          readinessProbe:
            tcpSocket: {port: rpc}
            periodSeconds: 5
          livenessProbe:
            tcpSocket: {port: rpc}
            periodSeconds: 10
            failureThreshold: 6
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: configuration, mountPath: /etc/hadoop, readOnly: true}
            - {name: tmp, mountPath: /tmp}
      volumes:
        - name: configuration
          configMap: {name: {{ include "rc2hub.fullname" $ }}-hdfs}
        - name: tmp
          emptyDir: {}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $values.storage.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests: {storage: {{ $values.storage.size }}}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "rc2hub.metadata" (list $ $component) | nindent 2 }}
  namespace: {{ $.Release.Namespace }}
spec:
  {{- if eq (index . 2) "datanode" }}
  # the NameNode names each of them to the gateway and to the others
  clusterIP: None
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "rc2hub.selector" (list $ $component) | nindent 4 }}
  ports:
    {{- range $name, $port := index . 3 }}
    - {name: {{ $name }}, port: {{ $port }}, targetPort: {{ $name }}}
    {{- end }}
{{- end }}
