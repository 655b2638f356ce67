#!/bin/sh
# Create the secrets of docker-compose.yml, and .env: deploy/secrets.sh [FOLDER [HOST...]]
#
# FOLDER is the checkout's secrets/ by default; .env is created beside it. HOSTs are further names or addresses, for the
# certificates, by which outside programs reach this host. Existing files are kept, so the script can be run again; a
# certificate that lacks a HOST is made again, with its key and its other names. To replace a file, move it away first.
set -euf

fail() {
    echo "$1" >&2
    exit 1
}

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/secrets}
[ $# -eq 0 ] || shift
# Otherwise a forgotten FOLDER would make one called as the first host, and certificates without it.
case $folder in
    */*) ;;
    *) [ -d "$folder" ] || fail "$folder is not a folder: the folder comes before the hosts, as in deploy/secrets.sh secrets $folder (./$folder for a new one)." ;;
esac
for host in "$@"; do
    case $host in
        *:*:*) case $host in *[!0-9A-Fa-f:.]*) fail "$host is neither a name nor an address: give it without brackets and port." ;; esac ;;
        "" | [!0-9A-Za-z*]* | *[!0-9A-Za-z.*-]*) fail "$host is neither a name nor an address, as kafka.example.com or 192.0.2.7 are." ;;
    esac
done
umask 077
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
trap 'set +f; rm -f "$folder"/*.new' EXIT
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

users="migrator writer reader grafana collector operator eraser"
for user in $users; do password "clickhouse_$user"; done
for name in grafana_admin kafka_broker kafka_impressions; do password "$name"; done

{
    echo '<clickhouse>'
    for user in $users; do hash "$user"; done
    echo '    <networks>'
    for network in 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::1 fc00::/7; do
        echo "        <ip>$network</ip>"
    done
    echo '    </networks>'
    echo '</clickhouse>'
} >"$folder/clickhouse_users.new"
mv -f "$folder/clickhouse_users.new" "$folder/clickhouse_users.xml"

# A key pair to sign and check tokens with, as examples/tokens reads it. Whoever has an issuer of their own puts its
# public keys in token_keys.json.
base64url() {
    openssl base64 -A | tr '+/' '-_' | tr -d '='
}
if [ ! -e "$folder/token_keys.json" ]; then
    openssl genpkey -algorithm ED25519 -out "$folder/signing.new" 2>/dev/null
    public=$(openssl pkey -in "$folder/signing.new" -pubout -outform DER | tail -c 32 | base64url)
    private=$(openssl pkey -in "$folder/signing.new" -outform DER | tail -c 32 | base64url)
    printf '{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"%s","d":"%s"}\n' "$public" "$private" >"$folder/token_signing.json"
    printf '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"%s"}]}\n' "$public" >"$folder/token_keys.json"
fi

# Our own authority, valid for ten years; keep ca.key elsewhere once the certificates are made.
if [ ! -e "$folder/ca.pem" ]; then
    openssl req -x509 -newkey rsa:3072 -sha256 -days 3650 -nodes -subj "/CN=impression-streams authority" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null
fi

# Whether the folder has the key with which the authority in ca.pem signs.
can_sign() {
    [ -r "$folder/ca.key" ] && [ "$(openssl pkey -in "$folder/ca.key" -pubout 2>/dev/null)" = \
        "$(openssl x509 -in "$folder/ca.pem" -noout -pubkey 2>/dev/null)" ]
}

# Whether it is an address, and not a name.
is_address() {
    case $1 in
        *:*) ;;
        *[!0-9.]*) return 1 ;;
    esac
}

# Whether a certificate (a file) is valid for a name or an address.
covers() {
    if is_address "$2"; then
        openssl x509 -in "$1" -noout -checkip "$2" | grep -q 'does match'
    else
        openssl x509 -in "$1" -noout -checkhost "$2" | grep -q 'does match' ||
            names_of "$1" | tr ',' '\n' | grep -qixF "DNS:$2"
    fi
}

# The names and addresses of a certificate, as openssl takes them: DNS:a,IP:b.
names_of() {
    openssl x509 -in "$1" -noout -ext subjectAltName | sed -n 's/IP Address:/IP:/g; s/, */,/g; s/^ *\(\(DNS\|IP\):.*\)/\1/p'
}

# Sign a certificate called $1 for the key in the file $2 and the names $3, and write it to the file $4: two years.
sign() {
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' "$3" >"$folder/extensions.new"
    openssl req -new -sha256 -subj "/CN=$1" -key "$2" -out "$folder/request.new" 2>/dev/null
    openssl x509 -req -sha256 -days 730 -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -in "$folder/request.new" \
        -extfile "$folder/extensions.new" -out "$4" 2>/dev/null
}

# Make a server's certificate, or make it again if it lacks a host: certificate NAME KEY_FILE NAMES HOST...
# NAMES are those inside. A server whose key file is its certificate's file reads both from one file.
remade=
certificate() {
    name=$1 key=$2 inside=$3
    shift 3
    made=$folder/$name.pem names= lacking=
    for each in "$@"; do
        if [ ! -e "$made" ] || ! covers "$made" "$each"; then lacking="$lacking $each"; fi
    done
    [ ! -e "$made" ] || inside=
    for each in $inside $lacking; do
        if is_address "$each"; then names="$names,IP:$each"; else names="$names,DNS:$each"; fi
    done
    [ -n "$names" ] || return 0
    can_sign || fail "$made has to be made${lacking:+ for$lacking}, and ca.key, with which the authority in ca.pem signs, is not in $folder: put it there, or let your own authority issue the certificate."
    if [ -e "$made" ]; then
        # The same key: whoever reads the old certificate beside it goes on.
        openssl pkey -in "$folder/$key" -out "$folder/key.new" 2>/dev/null || fail "$folder/$key has no private key that can be read."
        names=",$(names_of "$made")$names"
        remade="$remade $name.pem"
    else
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$folder/key.new" 2>/dev/null
    fi
    sign "$name" "$folder/key.new" "${names#,}" "$folder/certificate.new"
    if [ "$key" = "$name.pem" ]; then
        cat "$folder/key.new" >>"$folder/certificate.new"
    else
        mv -f "$folder/key.new" "$folder/$key"
    fi
    mv -f "$folder/certificate.new" "$made"
}

# Kafka reads key and certificate from one file.
certificate kafka kafka.pem "kafka kafka-2 kafka-3 localhost 127.0.0.1" "$@"
certificate clickhouse clickhouse.key "clickhouse localhost 127.0.0.1" "$@"

env=$(dirname "$folder")/.env
if [ ! -e "$env" ]; then
    cluster=$(openssl rand -base64 16 | tr '+/' 'ab' | tr -d '=')
    # Who names this host for outside programs wants to be reached by them: TLS and logins are in front of the brokers.
    sed "s/^KAFKA_CLUSTER_ID=.*/KAFKA_CLUSTER_ID=$cluster/${1:+; s/^KAFKA_HOST=.*/KAFKA_HOST=$1/; s/^#KAFKA_BIND=.*/KAFKA_BIND=0.0.0.0/}" \
        "$root/.env.example" >"$env"
fi
find "$folder" -type f ! -name .gitignore ! -name README.md ! -name ca.key ! -name token_signing.json -exec chmod 444 {} +
[ -z "$remade" ] || echo "made again, with further names:$remade: recreate the containers that read them"
advertised=$(sed -n 's/^KAFKA_HOST=//p' "$env")
covers "$folder/kafka.pem" "${advertised:-localhost}" ||
    echo "$env sets KAFKA_HOST=$advertised, which no certificate of the brokers names: run this again with that host" >&2
bind=$(sed -n 's/^KAFKA_BIND=//p' "$env")
if [ -n "${1:-}" ] && { [ "$advertised" = localhost ] || [ -z "$bind" ]; }; then
    echo "for programs on other machines, set KAFKA_HOST=$1 and KAFKA_BIND=0.0.0.0 in $env" >&2
fi
echo "made in $folder: give it a backup that only you can read"
