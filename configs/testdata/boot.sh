#!/bin/sh
# boot.sh DIR: the system that this runs on, once more, beside itself: its files
# below an overlay in memory, name spaces and a control group of its own, and
# systemd as its first process, which is told to run DIR/inside as a service.
# DIR is /out in there. Run by TestInstalled in new name spaces, as process 1.
set -eu
out=$1
disk=$out/disk root=$out/disk/root
mount --make-rprivate /
mkdir "$disk"
mount -t tmpfs none "$disk"
mkdir "$disk/upper" "$disk/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$root"
rm -rf "$root/var/lib/sekisho" "$root/var/cache/sekisho" "$root/usr/lib/sekisho" "$root/etc/sekisho"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
mount -t tmpfs -o mode=0755 none "$root/dev"
for name in null zero full random urandom tty; do
	: >"$root/dev/$name"
	mount --bind "/dev/$name" "$root/dev/$name"
done
: >"$root/dev/console"
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx" # PrivateDevices= copies it
mkdir "$root/dev/shm" "$root/dev/pts" "$root/out"
mount -t tmpfs none "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount --bind "$out" "$root/out"

# No service of the machine comes up: only what every target needs, and ours.
units=$root/etc/systemd/system
for name in systemd-udevd systemd-udev-trigger systemd-networkd systemd-resolved systemd-timesyncd networking e2scrub_reap; do
	ln -sf /dev/null "$units/$name.service"
done
mkdir -p "$units/inside.target.wants"
cat >"$units/inside.service" <<EOF
[Service]
ExecStart=/out/inside
ExecStopPost=/bin/systemctl --no-block exit
StandardOutput=file:/out/log
StandardError=inherit
EOF
ln -s ../inside.service "$units/inside.target.wants/"
echo '[Unit]' >"$units/inside.target" # an empty one would be a masked one

cd "$root"
mkdir old
pivot_root . old
umount -l /old
exec env -i container=sekisho PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=inside.target
