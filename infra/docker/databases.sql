-- Run once, by the database server, when its volume is empty. The role is POSTGRES_USER's.
CREATE DATABASE prefect;
CREATE DATABASE registry;
