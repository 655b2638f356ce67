#!/bin/sh
# Create the secrets of docker-compose.yml, and .env: deploy/secrets.sh [FOLDER [HOST...]]
#
# FOLDER is the checkout's secrets/ by default; .env is created beside it. HOSTs are further names or addresses, for the
# certificates, by which outside programs reach this host. Existing files are kept, so the script can be run again; to
# replace a file, remove it first.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/secrets}
[ $# -eq 0 ] || shift
umask 077
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# Anyone who may enter the folder may read its files: programs in containers run as users that the host doesn't know,
# and get single files.
chmod 700 "$folder"

# A file with a new password, without a newline: Kafka uses the file's content as it is.
password() {
    [ -e "$folder/$1" ] || openssl rand -hex 24 | tr -d '\n' >"$folder/$1"
}

# What ClickHouse gets: a hash of each user's password, and the networks from which users may connect.
hash() {
    printf '    <%s_sha256>%s</%s_sha256>\n' "$1" "$(openssl dgst -sha256 -r "$folder/clickhouse_$1" | cut -d' ' -f1)" "$1"
}

for name in clickhouse_migrator clickhouse_writer clickhouse_reader clickhouse_eraser grafana_admin \
    kafka_broker kafka_impressions; do
    password "$name"
done

{
    echo '<clickhouse>'
    for user in migrator writer reader eraser; do hash "$user"; done
    echo '    <networks>'
    for network in 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::1 fc00::/7; do
        echo "        <ip>$network</ip>"
    done
    echo '    </networks>'
    echo '</clickhouse>'
} >"$folder/clickhouse_users.new"
mv -f "$folder/clickhouse_users.new" "$folder/clickhouse_users.xml"

# Our own authority, valid for ten years; keep ca.key elsewhere once the certificates are made.
if [ ! -e "$folder/ca.pem" ]; then
    openssl req -x509 -newkey rsa:3072 -sha256 -days 3650 -nodes -subj "/CN=impression-streams authority" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null
fi

# A certificate for names and addresses, valid for two years.
certificate() {
    name=$1
    shift
    [ ! -e "$folder/$name.pem" ] || return 0
    names=
    for each in "$@"; do
        case $each in
            *[!0-9.]*) names="$names,DNS:$each" ;;
            *) names="$names,IP:$each" ;;
        esac
    done
    extensions=$(mktemp)
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' "${names#,}" >"$extensions"
    openssl req -newkey rsa:3072 -sha256 -nodes -subj "/CN=$name" -keyout "$folder/$name.key" 2>/dev/null |
        openssl x509 -req -sha256 -days 730 -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -extfile "$extensions" \
            -out "$folder/$name.pem" 2>/dev/null
    rm "$extensions"
}

if [ ! -e "$folder/kafka.pem" ]; then
    certificate kafka kafka kafka-2 kafka-3 localhost 127.0.0.1 "$@"
    # Kafka reads key and certificate from one file.
    cat "$folder/kafka.key" >>"$folder/kafka.pem"
    rm "$folder/kafka.key"
fi
certificate clickhouse clickhouse localhost 127.0.0.1 "$@"

if [ ! -e "$folder/../.env" ]; then
    example="$root/.env.example"
    cluster=$(openssl rand -base64 16 | tr '+/' 'ab' | tr -d '=')
    sed "s/^KAFKA_CLUSTER_ID=.*/KAFKA_CLUSTER_ID=$cluster/" "$example" >"$folder/../.env"
fi
find "$folder" -type f ! -name .gitignore ! -name README.md ! -name ca.key -exec chmod 444 {} +
echo "made in $folder: give it a backup that only you can read"
