{{- define "rc2hub.hiveGateway" -}}
http://{{ include "rc2hub.host" (list . "hive-gateway") }}:14010
{{- end }}

{{- /* where the gateway finds the key that signs its calls of the metastore */ -}}
{{- define "rc2hub.hiveKey" -}}
/etc/rc2hub/hive/key.pem
{{- end }}

{{- /* the Secret with that key */ -}}
{{- define "rc2hub.hiveSecret" -}}
{{ .Values.hive.existingSecret | default (printf "%s-hive" (include "rc2hub.fullname" .)) }}
{{- end }}

{{- /* the metastore's address, as the gateway reaches it */ -}}
{{- define "rc2hub.metastore" -}}
{{ ternary .Values.hive.address (printf "http://%s:9083/metastore" (include "rc2hub.host" (list . "hive-metastore"))) .Values.hive.external }}
{{- end }}

{{- /* "true" if the metastore's database is in the chart's PostgreSQL */ -}}
{{- define "rc2hub.metastoreInPostgresql" -}}
{{- if and (include "rc2hub.runsMetastore" .) (not .Values.hive.database.url) }}true{{ end -}}
{{- end }}

{{- /* the URL of the metastore's database, without the password */ -}}
{{- define "rc2hub.metastoreDatabase" -}}
{{ .Values.hive.database.url | default (printf "postgresql://hive@%s:5432/hive" (include "rc2hub.host" (list . "postgresql"))) }}
{{- end }}

{{- /* (list $ "VARIABLE"): the variable with the password of that database */ -}}
{{- define "rc2hub.metastorePassword" -}}
{{- $ := index . 0 -}}
{{- $secret := $.Values.hive.database.passwordSecret -}}
{{- if include "rc2hub.metastoreInPostgresql" $ -}}
  {{- $secret = dict "name" (include "rc2hub.postgresqlSecret" $) "key" "hive-password" -}}
{{- end -}}
{{ include "rc2hub.secretVariable" (list (index . 1) $secret.name $secret.key) }}
{{- end }}

{{- /* Hadoop's and Hive's settings for the chart's own metastore, as their configuration files. They are those of `make up`:
    rc2hub/local/hive.py has the reasons. */ -}}
{{- define "rc2hub.hiveConfiguration" -}}
{{- $core := dict
  "fs.defaultFS" "webhdfs://rc2"
  "fs.webhdfs.impl" "org.apache.hadoop.hdfs.DistributedFileSystem"
  "dfs.nameservices" "rc2"
  "dfs.ha.namenodes.rc2" "one"
  "dfs.namenode.rpc-address.rc2.one" (printf "%s:8020" (include "rc2hub.host" (list . "hdfs-namenode")))
  "dfs.client.failover.proxy.provider.rc2" "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"
-}}
{{- $database := include "rc2hub.metastoreDatabase" . | urlParse -}}
{{- $metastore := dict
  "javax.jdo.option.ConnectionURL" (printf "jdbc:postgresql://%s%s?%s" $database.host $database.path $database.query | trimSuffix "?")
  "javax.jdo.option.ConnectionDriverName" "org.postgresql.Driver"
  "javax.jdo.option.ConnectionUserName" $database.userinfo
  "javax.jdo.option.ConnectionPassword" "${env.RC2_HIVE_PASSWORD}"
  "datanucleus.schema.autoCreateAll" "false"
  "datanucleus.connectionPoolingType" "HikariCP"
  "datanucleus.connectionPool.maxPoolSize" "4"
  "metastore.schema.verification" "true"
  "metastore.thrift.port" "9083"
  "metastore.server.thrift.transport.mode" "http"
  "metastore.server.thrift.http.path" "metastore"
  "metastore.authentication" "JWT"
  "metastore.authentication.jwt.jwks.url" "file:///run/hive/jwks.json"
  "metastore.warehouse.dir" "webhdfs://rc2/warehouse"
  "metastore.warehouse.external.dir" "webhdfs://rc2/warehouse"
  "metastore.task.threads.always" "org.apache.hadoop.hive.metastore.events.EventCleanerTask"
  "metastore.housekeeping.threads.on" "false"
  "metastore.compactor.initiator.on" "false"
  "metastore.stats.autogather" "false"
  "metastore.metadata.transformer.class" " "
-}}
{{- include "rc2hub.hadoopFiles" (dict "core-site.xml" $core "metastore-site.xml" $metastore) }}
{{- end }}
